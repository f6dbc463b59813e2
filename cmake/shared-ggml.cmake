# llama and ggml as shared libraries that somebody else has compiled from the same release, with backends loaded at run
# time: how the GPU tests run where no shader compiler is at hand. Structs cross by value, so nothing but the same
# release works.
file(GLOB LLAVAOV_SHARED ${LLAVAOV_GGML_LIBS}/libllama.*.so ${LLAVAOV_GGML_LIBS}/libggml.*.so)
list(APPEND LLAVAOV_SHARED ${LLAVAOV_GGML_LIBS}/libggml-base.so)
# The one CPU backend whose functions we call directly; any other one beside it would be a second CPU.
set(LLAVAOV_SHARED_CPU ${LLAVAOV_GGML_LIBS}/libggml-cpu-haswell.so CACHE FILEPATH "CPU backend to link")
file(GLOB LLAVAOV_SHARED_BACKENDS ${LLAVAOV_GGML_LIBS}/libggml-*.so)
list(FILTER LLAVAOV_SHARED_BACKENDS EXCLUDE REGEX "/libggml-(base|cpu-.*)\\.so$")
list(JOIN LLAVAOV_SHARED_BACKENDS ":" LLAVAOV_SHARED_BACKENDS)

add_library(llama INTERFACE)
target_include_directories(llama INTERFACE ${LLAMA_CPP_DIR}/include ${LLAMA_CPP_DIR}/ggml/include)
target_link_libraries(llama INTERFACE ${LLAVAOV_SHARED} ${LLAVAOV_SHARED_CPU})
target_compile_definitions(llama INTERFACE
  LLAVAOV_LOAD_BACKENDS="${LLAVAOV_SHARED_CPU}:${LLAVAOV_SHARED_BACKENDS}")
add_library(ggml INTERFACE)
set(CMAKE_BUILD_RPATH ${LLAVAOV_GGML_LIBS})
