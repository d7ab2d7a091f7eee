package pages

import (
	"fmt"
	"strings"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
	"rsc.io/qr"
)

const (
	qrPixels  = 280 // widest code that fits the narrowest phone
	qrModules = 97  // most modules a side: cameras miss the smaller modules of a larger code
	qrQuiet   = 4   // empty modules that the standard asks for on every side
)

// qrCode draws address as an SVG, black on white in the dark colour scheme too,
// with modules of a whole number of pixels. It is an error if the code would be
// too fine to scan.
func qrCode(address string) (template.HTML, error) {
	code, err := qr.Encode(address, qr.L)
	if err != nil {
		return "", fmt.Errorf("encode QR code: %w", err)
	}
	if code.Size > qrModules {
		return "", fmt.Errorf("encode QR code: %d modules a side, more than %d", code.Size, qrModules)
	}
	side := code.Size + 2*qrQuiet
	pixels := side * (qrPixels / side)
	return template.HTML(fmt.Sprintf(
		`<svg width="%[1]d" height="%[1]d" viewBox="0 0 %[2]d %[2]d" shape-rendering="crispEdges" aria-hidden="true">`+
			`<rect width="%[2]d" height="%[2]d" fill="#fff"/><path fill="#000" d="%[3]s"/></svg>`,
		pixels, side, qrPath(code))), nil
}

// qrPath returns the SVG path of the black modules, one rectangle for each run
// in a row.
func qrPath(code *qr.Code) string {
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			start := x
			for code.Black(x, y) { // outside the code nothing is black
				x++
			}
			if x > start {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", start+qrQuiet, y+qrQuiet, x-start, x-start)
			}
		}
	}
	return path.String()
}
