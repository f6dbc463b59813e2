# Adds a CUDA toolkit to a manylinux_2_28 container, as far as the addon is built with it; to be sourced, with the version as
# NVIDIA's packages spell it: . scripts/release/install-cuda.sh 13-0
dnf -y -q install dnf-plugins-core
dnf config-manager --add-repo "https://developer.download.nvidia.com/compute/cuda/repos/rhel8/$(uname -m)/cuda-rhel8.repo"
dnf -y -q install "cuda-nvcc-$1" "cuda-cudart-devel-$1" "libcublas-devel-$1"
export CUDA_PATH=/usr/local/cuda PATH="/usr/local/cuda/bin:$PATH"
