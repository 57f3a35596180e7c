# ROS 2 with this package built in it.
#
# docker build -t gar_ssl_ros .                                    Jazzy, on the CPU: `signal` and `senses`
# docker build -t gar_ssl_ros --build-arg ROS_DISTRO=humble .      the same on Humble
# docker build -t gar_ssl_ros --build-arg COMPUTE=cuda .           `omni` too, on NVIDIA's GPUs (Jazzy or later)
# docker run --rm --net host --ipc host gar_ssl_ros                the localizer; `--gpus all` with COMPUTE=cuda
#
# BASE: another image that has ROS 2 in /opt/ros/$ROS_DISTRO, such as one of a Jetson's maker.
ARG ROS_DISTRO=jazzy
ARG BASE=ros:${ROS_DISTRO}-ros-base
FROM ${BASE}
ARG ROS_DISTRO
ARG COMPUTE=cpu
# What NVIDIA's container runtime lends where --gpus asks for it; torch brings the rest of CUDA.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

SHELL ["/bin/bash", "-e", "-o", "pipefail", "-c"]
RUN case "$ROS_DISTRO/$COMPUTE" in \
      humble/cuda) echo "omni needs Python 3.11, Humble has 3.10: build with ROS_DISTRO=jazzy" >&2; exit 1;; \
      */cpu|*/cuda) ;; \
      *) echo "COMPUTE is '$COMPUTE': give cpu or cuda" >&2; exit 1;; \
    esac

WORKDIR /ws
COPY package.xml src/gar_ssl_ros/
# Without versions: the packages of a ROS distribution move together.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libportaudio2 python3-venv \
    && rosdep update --rosdistro "$ROS_DISTRO" \
    && rosdep install -y --from-paths src --ignore-src --rosdistro "$ROS_DISTRO" \
    && rm -rf /var/lib/apt/lists/*
COPY requirements-ros*.txt src/gar_ssl_ros/
RUN python3 -m venv --system-site-packages /venv \
    && if [ "$COMPUTE" = cuda ]; then kind=omni; else kind=all; fi \
    && /venv/bin/pip install --no-cache-dir -r "src/gar_ssl_ros/requirements-ros-$kind.txt"
COPY . src/gar_ssl_ros
RUN . /venv/bin/activate && . "/opt/ros/$ROS_DISTRO/setup.bash" \
    && colcon build --packages-select gar_ssl_ros

ENTRYPOINT ["/bin/bash", "-c", ". /venv/bin/activate && . /ws/install/setup.bash && exec \"$@\"", "gar_ssl_ros"]
CMD ["ros2", "launch", "gar_ssl_ros", "localize.launch.py"]
