"""What the demo prints: a step a line with the seconds since its start; on a
terminal also a moving line that says what is going on."""
import sys
import threading
import time


WHEEL = "|/-\\"


class Show:
    def __init__(self):
        self.began = time.monotonic()
        self.terminal = sys.stdout.isatty()
        self.failed, self.passed = [], 0
        self.lock = threading.Lock()
        self.doing = None
        if self.terminal:
            threading.Thread(target=self._turn, daemon=True).start()

    def _turn(self):
        wheel = 0
        while True:
            time.sleep(0.1)
            with self.lock:
                if self.doing:
                    wheel = (wheel + 1) % len(WHEEL)
                    sys.stdout.write(f"\r\033[K        {WHEEL[wheel]}  {self.doing}")
                    sys.stdout.flush()

    def _print(self, text):
        with self.lock:
            if self.terminal:
                sys.stdout.write("\r\033[K")
            print(text, flush=True)

    def _paint(self, text, code):
        return f"\033[{code}m{text}\033[0m" if self.terminal else text

    def title(self, text):
        self._print("\n" + self._paint(text, 1))

    def step(self, text):
        self._print(f"{time.monotonic() - self.began:6.2f} s  {text}")

    def more(self, text):
        self._print("          " + text)

    def busy(self, text):
        with self.lock:
            self.doing = text
            if self.terminal and text is None:
                sys.stdout.write("\r\033[K")

    def check(self, held, text):
        """One promise: held or not.  The demo's exit status counts these."""
        word = self._paint("ok    ", 32) if held else self._paint("FAILED", 31)
        self.step(f"{word}  {text}")
        if held:
            self.passed += 1
        else:
            self.failed.append(text)
        return held
