# SPDX-License-Identifier: MIT
import asyncio
import cmacam

async def show_frames(camera, left):
    async for frame in camera:
        with frame.map() as pixels:
            print(f"frame {frame.sequence}: exposure {frame.exposure} us, mean {pixels.gray.mean():.0f}")
        left -= 1
        if not left:
            break

async def tick():
    while True:
        await asyncio.sleep(0.05)
        print("tick: something else in the same thread")

async def main():
    ticks = asyncio.create_task(tick())
    with cmacam.Camera(format="NV12", size=(640, 480)) as camera:
        await show_frames(camera, 20)
    ticks.cancel()

asyncio.run(main())
