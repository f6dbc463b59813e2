# Lets node-gyp, and what calls it (npm rebuild, electron-rebuild), reach the one CMake build: they run `node-gyp rebuild`
# and collect build/Release/*.node. The sources are listed in CMakeLists.txt.
{
  'targets': [{
    'target_name': 'llava-onevision',
    'type': 'none',
    'actions': [{
      'action_name': 'cmake',
      'inputs': [],
      # Never written, so the script always runs and decides for itself whether anything is to be done.
      'outputs': ['<(INTERMEDIATE_DIR)/always'],
      'action': ['node', 'scripts/build-native.mjs'],
    }],
  }],
}
