package pages

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"rsc.io/qr"
)

var (
	qrSide = regexp.MustCompile(`^<svg width="(\d+)" height="(\d+)" viewBox="0 0 (\d+) (\d+)"`)
	qrRun  = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`)
)

// The test reads the path back into modules and compares them with the code.
func TestPageQRCode(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"https://h5.example.com/",
		testAddress,
		"https://h5.example.com/" + strings.Repeat("long/", 80),
	} {
		svg, err := qrCode(address)
		if err != nil {
			t.Errorf("qrCode(%q): %v", address, err)
			continue
		}
		page := showPage(t, testPages(t), 200, OpenInWeChat, "en", Data{Address: address}).Body.String()
		if !strings.Contains(page, string(svg)) {
			t.Errorf("the page for %q does not hold its QR code", address)
		}
		code, err := qr.Encode(address, qr.L)
		if err != nil {
			t.Fatal(err)
		}
		var pixels, high, side, tall int
		size := qrSide.FindStringSubmatch(string(svg))
		if size == nil {
			t.Fatalf("qrCode(%q) = %.80q, want an <svg> with sizes", address, svg)
		}
		fmt.Sscan(strings.Join(size[1:], " "), &pixels, &high, &side, &tall)
		if side != code.Size+8 || tall != side || high != pixels ||
			pixels%side != 0 || pixels > 280 || pixels < 2*side {
			t.Errorf("qrCode(%q): %dx%d pixels for %dx%d units, want a square of whole modules, %d with the quiet zone",
				address, pixels, high, side, tall, code.Size+8)
		}
		black := make(map[[2]int]bool)
		for _, run := range qrRun.FindAllStringSubmatch(string(svg), -1) {
			var x, y, width, back int
			fmt.Sscan(strings.Join(run[1:], " "), &x, &y, &width, &back)
			if back != width {
				t.Errorf("qrCode(%q): %s is no rectangle", address, run[0])
			}
			for i := range width {
				black[[2]int{x + i, y}] = true
			}
		}
		for y := range side {
			for x := range side {
				if got, want := black[[2]int{x, y}], code.Black(x-4, y-4); got != want {
					t.Fatalf("qrCode(%q): module %d,%d black = %t, want %t", address, x, y, got, want)
				}
			}
		}
	}
}

func TestPageQRCodeRefusesTooLong(t *testing.T) {
	t.Parallel()
	for _, length := range []int{1000, 5000} { // too fine to scan; too much for any code
		address := "https://h5.example.com/" + strings.Repeat("a", length)
		if svg, err := qrCode(address); err == nil {
			t.Errorf("qrCode of %d bytes = %.60q, want an error", len(address), svg)
		}
		body := showPage(t, testPages(t), 200, OpenInWeChat, "en", Data{Address: address}).Body.String()
		if !strings.Contains(body, address) {
			t.Errorf("page for an address of %d bytes does not show it as text", len(address))
		}
		if strings.Contains(body, `class="picture"`) {
			t.Errorf("page for an address of %d bytes has a picture", len(address))
		}
	}
}
