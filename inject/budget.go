package inject

import (
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
)

const (
	// maxWindow is the largest window that browsers accept (RFC 9659).
	maxWindow = 8 << 20
	// maxWindows bounds what all zstd pages that are being decoded hold: a decoder
	// keeps as much of a page as its frame says, for as long as the client reads.
	maxWindows = 128 << 20
)

// windows is what they hold.
var windows atomic.Int64

// takeWindow reports whether another page with such a window can be decoded. It is
// to be given back by windows.Add.
func takeWindow(size int64) bool {
	if windows.Add(size) <= maxWindows {
		return true
	}
	windows.Add(-size)
	return false
}

// zstdWindow returns the window that a zstd stream that begins so asks for. Where
// that cannot be seen it is the largest.
func zstdWindow(b []byte) int64 {
	var h zstd.Header
	if err := h.Decode(b); err != nil || h.Skippable {
		return maxWindow
	}
	if h.SingleSegment {
		return int64(min(h.FrameContentSize, maxWindow))
	}
	return int64(min(h.WindowSize, maxWindow))
}
