/* A camera for programs that are started with this in LD_PRELOAD: V4L2's answers for the device named in FAKE_CAMERA.

   The folder FAKE_CAMERA_STATE says how it is: `gone`, `busy` or `denied` if there is a file of that name. It sees
   `image.jpg`, and gives that, or if there is an `image.yuyv`, that and no JPEG: 320x240 pixels, whatever size it is
   asked for, 50 times a second. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BUFFERS 4
#define BYTES (1 << 20)
#define PERIOD_US 20000

static int camera = -1, queued[BUFFERS], first, waiting;

static int state(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("FAKE_CAMERA_STATE"), name);
    return access(path, F_OK) == 0;
}

static int fail(int number) { errno = number; return -1; }

static int opened(const char *path, int flags, mode_t mode) {
    static int (*real)(const char *, int, ...);
    if (!real) real = dlsym(RTLD_NEXT, "open64");
    const char *own = getenv("FAKE_CAMERA");
    if (!own || strcmp(path, own)) return real(path, flags, mode);
    if (state("gone")) return fail(ENOENT);
    if (state("denied")) return fail(EACCES);
    camera = memfd_create("camera", 0);
    if (ftruncate(camera, BUFFERS * BYTES)) return fail(EIO);
    waiting = first = 0;
    return camera;
}

int open(const char *path, int flags, ...) {
    va_list more; va_start(more, flags); mode_t mode = va_arg(more, mode_t); va_end(more);
    return opened(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list more; va_start(more, flags); mode_t mode = va_arg(more, mode_t); va_end(more);
    return opened(path, flags, mode);
}

static int filled(struct v4l2_buffer *buffer) {
    usleep(PERIOD_US);
    if (state("gone")) return fail(ENODEV);
    if (!waiting) return fail(EAGAIN);
    char path[4096];
    snprintf(path, sizeof path, "%s/image.%s", getenv("FAKE_CAMERA_STATE"), state("image.yuyv") ? "yuyv" : "jpg");
    FILE *image = fopen(path, "rb");
    char *content = malloc(BYTES);
    buffer->index = queued[first];
    first = (first + 1) % BUFFERS, waiting--;
    buffer->bytesused = fread(content, 1, BYTES, image);
    fclose(image);
    if (pwrite(camera, content, buffer->bytesused, (long)buffer->index * BYTES) < 0) return fail(EIO);
    free(content);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long late = now.tv_sec * 1000000 + now.tv_nsec / 1000 - 250000;  /* taken a quarter of a second ago */
    buffer->timestamp.tv_sec = late / 1000000, buffer->timestamp.tv_usec = late % 1000000;
    buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
    return 0;
}

int ioctl(int file, unsigned long request, ...) {
    static int (*real)(int, unsigned long, ...);
    if (!real) real = dlsym(RTLD_NEXT, "ioctl");
    va_list more; va_start(more, request); void *given = va_arg(more, void *); va_end(more);
    if (file != camera || file < 0) return real(file, request, given);
    struct v4l2_buffer *buffer = given;
    switch ((unsigned)request) {
    case VIDIOC_QUERYCAP: {
        struct v4l2_capability *told = given;
        told->capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING | V4L2_CAP_META_CAPTURE | V4L2_CAP_DEVICE_CAPS;
        told->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
        return 0;
    }
    case VIDIOC_G_INPUT: *(int *)given = 0; return 0;
    case VIDIOC_ENUMINPUT: ((struct v4l2_input *)given)->std = 0; return 0;
    case VIDIOC_S_FMT: case VIDIOC_G_FMT: {
        struct v4l2_pix_format *form = &((struct v4l2_format *)given)->fmt.pix;
        if (state("busy")) return fail(EBUSY);
        form->width = 320, form->height = 240, form->sizeimage = BYTES, form->field = V4L2_FIELD_NONE;
        form->pixelformat = state("image.yuyv") ? V4L2_PIX_FMT_YUYV : V4L2_PIX_FMT_MJPEG;
        return 0;
    }
    case VIDIOC_G_PARM: case VIDIOC_S_PARM: {
        struct v4l2_captureparm *how = &((struct v4l2_streamparm *)given)->parm.capture;
        how->capability = V4L2_CAP_TIMEPERFRAME, how->timeperframe.numerator = 1, how->timeperframe.denominator = 50;
        return 0;
    }
    case VIDIOC_REQBUFS: ((struct v4l2_requestbuffers *)given)->count = BUFFERS; return 0;
    case VIDIOC_QUERYBUF: buffer->length = BYTES, buffer->m.offset = buffer->index * BYTES; return 0;
    case VIDIOC_QBUF: queued[(first + waiting++) % BUFFERS] = buffer->index; return 0;
    case VIDIOC_DQBUF: return filled(buffer);
    case VIDIOC_STREAMON: case VIDIOC_STREAMOFF: return 0;
    }
    return fail(ENOTTY);
}
