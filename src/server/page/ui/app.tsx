/** The whole page. */
export function App() {
  return <main>LLaVA-OneVision</main>;
}
