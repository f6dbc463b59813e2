# Lets `node-gyp rebuild`, which fills build/Release, run the one CMake build. The sources are listed in CMakeLists.txt.
{
  'targets': [{
    'target_name': 'llava-onevision',
    'type': 'none',
    'actions': [{
      'action_name': 'cmake',
      'inputs': [],
      # Never written, so the script always runs and decides for itself whether anything is to be done.
      'outputs': ['<(INTERMEDIATE_DIR)/always'],
      'action': ['node', 'scripts/build/build-native.mjs'],
    }],
  }],
}
