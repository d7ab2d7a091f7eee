package wechattest

import (
	"fmt"
	"net/http"
)

// FollowPicturePath is the path of a picture that looks like an account's QR code, for
// a page that asks to follow the account. It encodes nothing: visitors follow by the
// button of the page at [ControlPath].
const FollowPicturePath = ControlPath + "qrcode.svg"

func followPicture(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-2 -2 29 29" width="200" height="200" `+
		`shape-rendering="crispEdges"><rect x="-2" y="-2" width="29" height="29" fill="#fff"/>`+
		`<path fill="#191919" %s/><rect x="5" y="10" width="15" height="5" fill="#fff"/>`+
		`<text x="12.5" y="13.5" font-size="3" text-anchor="middle" fill="#07c160" font-family="sans-serif">`+
		`演示 · Demo</text></svg>`, view{ID: StockAppID}.Modules())
}
