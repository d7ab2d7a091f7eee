// Package pages renders the HTML pages that a visitor sees in place of the site:
// errors, signing out, how to open the site in WeChat. Each page is in Chinese
// or English and loads nothing from another address but the QR code of an
// account to follow. Templates of the operator's can replace the built-in ones.
package pages

// A Name names a page and its template, templates/<name>.html.
type Name string

// The pages, each with the statuses that it is written for.
const (
	Restart       Name = "restart"            // 400: the state is missing or another browser's
	Declined      Name = "declined"           // 403: the visitor declined at WeChat
	CodeRefused   Name = "code-refused"       // 403: WeChat refused one code after another
	WeChatAway    Name = "wechat-away"        // 503: WeChat is slow or away
	Misconfigured Name = "misconfigured"      // 502: WeChat refuses the site itself
	UpstreamDown  Name = "upstream-down"      // 502, 504: the upstream is away or slow
	StoreAway     Name = "session-store-away" // 503: sessions cannot be read
	Forbidden     Name = "forbidden"          // 403: the visitor or the request is not allowed
	Follow        Name = "follow"             // 403: the visitor does not follow the account
	Unauthorized  Name = "unauthorized"       // 401: the visitor is not signed in
	Snapshot      Name = "snapshot"           // 403: WeChat shows a snapshot of the page
	OpenInWeChat  Name = "open-in-wechat"     // 200, 403: the browser is not WeChat's
	SignOut       Name = "sign-out"           // 200: asks before the session ends
	SignedOut     Name = "signed-out"         // 200: the session has ended
	TooMany       Name = "too-many"           // 429: too many logins from one address
	TooLarge      Name = "too-large"          // 413: the body is over the limit
	UnknownSite   Name = "unknown-site"       // 421: no site has the request's host
	NotFound      Name = "not-found"          // 404: there is no such endpoint
	Method        Name = "method"             // 405: the endpoint takes another method
	BadRequest    Name = "bad-request"        // 400: the request is malformed
)

// Data is what a page shows. A field left empty leaves its part out; no page
// needs all of them. The templates escape every field.
type Data struct {
	RequestID    string // shown in the footer of pages of failure
	LoginURL     string // the button starts a login
	Reload       bool   // without LoginURL, the button loads the same address again
	Form         bool   // the visitor sent a form
	Back         string // after a form, without LoginURL, the button leads there; "/" is the home page
	LogoutAction string // sign-out: where its form is posted
	ReturnTo     string // sign-out: where the visitor goes afterwards
	NoCookies    bool   // restart: the browser has sent no cookies
	Address      string // open-in-wechat: the page to open there
	FollowQR     string // follow: address of the picture with the account's QR code

	OutsideWeChat bool // forbidden: only WeChat's own browser can open the page
}
