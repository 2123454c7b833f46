# SPDX-License-Identifier: MIT
"""Frames for forked processes. Fork the workers first, open the camera afterwards, and lend the frames over a socket.

The workers look at the camera's own pages. A process that is forked after the camera was opened cannot use the camera.
"""
import argparse
import multiprocessing
import os
import tempfile

import cmacam
# Pictures need it. A worker that imports it while it holds a frame may be too slow for the server.
import numpy  # noqa: F401


def work(path, frames, listening):
    listening.wait()
    with cmacam.FrameClient(path, credits=1) as client:
        for _, frame in zip(range(frames), client):
            with frame.map() as pixels:
                print(f"worker pid={os.getpid()} sequence={frame.sequence} mean={pixels.gray.mean():.1f}", flush=True)
            frame.release()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10, help="number of frames for each worker (default: 10)")
    parser.add_argument("--workers", type=int, default=2, help="number of workers (default: 2)")
    args = parser.parse_args()

    context = multiprocessing.get_context("fork")
    listening = context.Event()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "frames")
        workers = [context.Process(target=work, args=(path, args.frames, listening), daemon=True)
                   for _ in range(args.workers)]
        for worker in workers:
            worker.start()
        # Three buffers stay with the camera, and each worker may hold one.
        with cmacam.Camera(format="NV12", size=(640, 480), buffers=args.workers + 3) as camera, \
                cmacam.FrameServer(path, camera.buffers) as server:
            listening.set()
            while any(worker.is_alive() for worker in workers):
                server.publish(camera.next())
        for worker in workers:
            worker.join()
        return max(worker.exitcode for worker in workers)


if __name__ == "__main__":
    raise SystemExit(main())
