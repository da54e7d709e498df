"""What OpenCV sees: shapes in a picture, movement in a clip."""

import cv2

#: Corners of an outline → what it is; more corners are a circle.
NAMES = {3: "triangle", 4: "rectangle"}
SMALLEST_AREA = 50
#: Two pictures of a clip differ in so many grey levels on average when something moved.
MOVED_LEVELS = 0.5

cv2.setNumThreads(1)


def find(picture):
    """The dark shapes in a grey picture on white, from left to right."""
    _, dark = cv2.threshold(picture, 200, 255, cv2.THRESH_BINARY_INV)
    outlines, _ = cv2.findContours(dark, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = [_describe(one) for one in outlines if cv2.contourArea(one) >= SMALLEST_AREA]
    return sorted(found, key=lambda shape: shape["x"])


def _describe(outline):
    corners = cv2.approxPolyDP(outline, 0.04 * cv2.arcLength(outline, True), True)
    left, top, width, height = cv2.boundingRect(outline)
    return {
        "shape": NAMES.get(len(corners), "circle"),
        "x": left + width // 2,
        "y": top + height // 2,
        "width": width,
        "height": height,
    }


def watch(file):
    """How many pictures a clip has, and in how many of them something moved."""
    clip = cv2.VideoCapture(file)
    pictures = moved = 0
    before = None
    while True:
        there, picture = clip.read()
        if not there:
            break
        pictures += 1
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        if before is not None and cv2.absdiff(grey, before).mean() > MOVED_LEVELS:
            moved += 1
        before = grey
    clip.release()
    return pictures, moved
