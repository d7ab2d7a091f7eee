package main

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A heapReader counts the lines written to it and measures the heap at intervals.
type heapReader struct {
	lines int
	next  int // the number of lines at which to measure
	every int
	heap  []uint64
}

func (h *heapReader) Write(p []byte) (int, error) {
	h.lines += bytes.Count(p, []byte("\n"))
	if h.lines >= h.next {
		h.next += h.every
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		h.heap = append(h.heap, m.HeapAlloc)
	}
	return len(p), nil
}

// A million followers take no more memory than a few thousand.
func TestFollowersMemory(t *testing.T) {
	// Not parallel: other tests use the heap too.
	const million, most = 1_000_000, 4 << 20
	wx := wechattest.NewServer()
	defer wx.Close()
	wx.SetLimit("/cgi-bin/user/get", wechattest.Limit{})
	wx.SetFollowers(wechattest.StockAppID, million)
	out, stderr := &heapReader{next: 20_000, every: 100_000}, new(bytes.Buffer)
	code := run([]string{"followers"}, []string{
		"WXGATE_APP_ID=" + wechattest.StockAppID,
		"WXGATE_APP_SECRET=" + wechattest.StockAppSecret,
		"WXGATE_WECHAT_API_URL=" + wx.URL,
	}, out, stderr)
	if code != exitOK || out.lines != million || stderr.Len() > 0 {
		t.Fatalf("exit code %d, %d lines, stderr %q; want 0, a million, nothing", code, out.lines, stderr)
	}
	for i, heap := range out.heap {
		if heap > out.heap[0]+most {
			t.Errorf("the heap grows from %d to %d bytes by the %d. reading", out.heap[0], heap, i+1)
		}
	}
}
