"""Engines that only hold images, and a journal in memory."""

import hashlib
import threading
from dataclasses import replace

from matrix.core.errors import EngineError
from matrix.core.ports import ImageInfo


class FakeImages:
    """Images in a dictionary; an archive is the image's id as bytes, repeated to its size."""

    def __init__(self, *, architecture="amd64", registry=()):
        self.architecture = architecture
        self.images = {}
        #: Reference → image that a registry would give.
        self.registry = dict(registry)
        #: Verbs in the order they were called.
        self.calls = []
        #: Verb → what to raise when it is called.
        self.raises = {}
        #: Set to hold a load up until it is let go.
        self.gate = threading.Event()
        self.gate.set()
        #: Layers it has already.
        self.known = frozenset()

    def known_layers(self, layers):
        return self.known & frozenset(layers)

    def add(self, name, *, architecture="amd64", size_bytes=1000):
        image = ImageInfo(
            id="sha256:" + hashlib.sha256(name.encode()).hexdigest(),
            architecture=architecture,
            size_bytes=size_bytes,
        )
        self.images[image.id] = image
        return image

    def _called(self, verb):
        self.calls.append(verb)
        if verb in self.raises:
            raise self.raises[verb]

    def inspect_image(self, reference):
        return self.images.get(reference)

    def pull_image(self, reference, *, architecture, seconds, progress):
        self._called("pull")
        image = self.registry[reference]
        self.images |= {reference: image, image.id: image}
        return image

    def save_image(self, image_id, *, seconds):
        self._called("save")
        image = self.images[image_id]
        for _ in range(10):
            yield b"x" * (image.size_bytes // 10)

    def load_image(self, archive, image_id, *, seconds):
        self._called("load")
        self.gate.wait(90)
        size = sum(len(piece) for piece in archive)
        self.images[image_id] = ImageInfo(
            id=image_id, architecture=self.architecture, size_bytes=size
        )
        return self.images[image_id]

    def remove_object(self, kind, reference):
        self._called("remove")
        if kind != "image":
            raise EngineError(f"{kind} {reference} is no image")
        self.images = {name: image for name, image in self.images.items() if image.id != reference}


class FakeJournal:
    """A journal in a dictionary."""

    def __init__(self):
        self.entries = {}
        #: Everything ever written down.
        self.intended = []
        self._number = 0

    def intend(self, intent):
        self._number += 1
        self.entries[self._number] = intent
        self.intended.append(intent)
        return self._number

    def confirm(self, entry, object_id):
        self.entries[entry] = replace(self.entries[entry], id=object_id)

    def forget(self, entry):
        del self.entries[entry]

    def open_entries(self, *, run=None):
        return tuple(self.entries.items())
