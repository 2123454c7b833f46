# SPDX-License-Identifier: MIT
import cmacam, cv2

hog = cv2.HOGDescriptor()
hog.setSVMDetector(cv2.HOGDescriptor.getDefaultPeopleDetector())
with cmacam.Camera(format="NV12", size=(768, 576)) as camera:
    for _, frame in zip(range(3), camera):
        with frame.map() as pixels:
            people, _ = hog.detectMultiScale(pixels.gray, winStride=(8, 8), padding=(8, 8), scale=1.2)
        print(f"frame {frame.sequence}: {len(people)} people")
