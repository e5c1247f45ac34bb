"""PDFium is not safe for threads: whoever reads a PDF with it holds this lock (一度に一頁)."""

from __future__ import annotations

import threading

PDFIUM = threading.Lock()
