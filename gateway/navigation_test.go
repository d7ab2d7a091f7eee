package gateway

import (
	"cmp"
	"net/http"
	"strings"
	"testing"
)

func TestNavigation(t *testing.T) {
	t.Parallel()
	const browser = "User-Agent: Mozilla/5.0 (Linux; Android 14; wv) XWEB/1420113 MicroMessenger/8.0.66"
	tests := []struct {
		name    string
		method  string   // default GET
		headers []string // "Name: value"
		want    bool
	}{
		{"browser sends navigate", "", []string{browser, "Sec-Fetch-Mode: navigate"}, true},
		{"HEAD", "HEAD", []string{browser, "Sec-Fetch-Mode: navigate"}, true},
		{"POST", "POST", []string{browser, "Sec-Fetch-Mode: navigate", "Accept: text/html"}, false},
		{"PUT", "PUT", []string{"Accept: text/html"}, false},
		{"DELETE", "DELETE", nil, false},
		{"OPTIONS", "OPTIONS", []string{"Accept: */*"}, false},
		{"method in lower case", "get", []string{"Accept: text/html"}, false},
		{"odd method", "GETX", []string{"Accept: text/html"}, false},

		{"navigate, JSON accepted", "", []string{browser, "Sec-Fetch-Mode: navigate", "Accept: application/json"}, true},
		{"fetch", "", []string{browser, "Sec-Fetch-Mode: cors", "Accept: text/html"}, false},
		{"picture", "", []string{browser, "Sec-Fetch-Mode: no-cors", "Accept: image/*"}, false},
		{"same origin", "", []string{browser, "Sec-Fetch-Mode: same-origin", "Accept: text/html"}, false},
		{"WebSocket", "", []string{browser, "Sec-Fetch-Mode: websocket"}, false},
		{"program that sends cors", "", []string{"User-Agent: node", "Sec-Fetch-Mode: cors", "Accept: */*"}, false},
		{"mode is empty", "", []string{"Sec-Fetch-Mode: ", "Accept: text/html"}, false},
		{"mode twice", "", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Mode: navigate", "Accept: text/html"}, false},
		{"mode twice, differing", "", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Mode: cors"}, false},
		{"mode in capitals", "", []string{"Sec-Fetch-Mode: NAVIGATE"}, false},
		{"mode in a list", "", []string{"Sec-Fetch-Mode: navigate, cors"}, false},

		{"older browser, page", "", []string{browser, "Accept: text/html,application/xhtml+xml,*/*;q=0.8"}, true},
		{"older browser, page, HEAD", "HEAD", []string{browser, "Accept: text/html"}, true},
		{"older browser, text/html last", "", []string{browser, "Accept: application/xml , text/html;q=0.1"}, true},
		{"older browser, second line", "", []string{browser, "Accept: image/webp", "Accept: text/html"}, true},
		{"older browser, capitals", "", []string{browser, "Accept: Text/HTML"}, true},
		{"older browser, html with level", "", []string{browser, "Accept: text/html;level=1"}, true},
		{"older browser, script", "", []string{browser, "Accept: */*"}, false},
		{"older browser, JSON", "", []string{browser, "Accept: application/json, text/plain, */*"}, false},
		{"older browser, picture", "", []string{browser, "Accept: image/webp,image/*,*/*;q=0.8"}, false},
		{"older browser, nothing", "", []string{browser}, false},
		{"older browser, text/*", "", []string{browser, "Accept: text/*"}, false},
		{"older browser, html refused", "", []string{browser, "Accept: text/html;q=0, application/json"}, false},
		{"older browser, html refused at length", "", []string{browser, "Accept: text/html ; level=1 ; Q = 0.000"}, false},
		{"older browser, html hardly", "", []string{browser, "Accept: text/html;q=0.001"}, true},
		{"older browser, q without value", "", []string{browser, "Accept: text/html;q="}, true},
		{"older browser, similar type", "", []string{browser, "Accept: text/htmlx, xtext/html, application/text/html"}, false},

		{"program, anything", "", []string{"User-Agent: curl/8.9.1", "Accept: */*"}, true},
		{"program, anything, HEAD", "HEAD", []string{"User-Agent: curl/8.9.1", "Accept: */*"}, true},
		{"program, no headers", "", []string{"User-Agent: Go-http-client/1.1"}, true},
		{"program, empty Accept", "", []string{"User-Agent: x", "Accept: "}, true},
		{"program, Accept of commas", "", []string{"User-Agent: x", "Accept: , ,"}, true},
		{"program, JSON", "", []string{"User-Agent: curl/8.9.1", "Accept: application/json"}, false},
		{"program, anything refused", "", []string{"User-Agent: x", "Accept: application/json, */*;q=0"}, false},
		{"program, html", "", []string{"User-Agent: x", "Accept: text/html"}, true},
		{"no agent, anything", "", []string{"Accept: */*"}, true},
		{"no agent, nothing", "", nil, true},
		{"agent that contains Mozilla/", "", []string{"User-Agent: x Mozilla/5.0", "Accept: */*"}, true},
		{"agent Mozilla without version", "", []string{"User-Agent: Mozilla", "Accept: */*"}, true},

		{"XHR", "", []string{browser, "Sec-Fetch-Mode: navigate", "X-Requested-With: XMLHttpRequest"}, false},
		{"XHR in lower case", "", []string{"X-Requested-With: xmlhttprequest", "Accept: text/html"}, false},
		{"XHR behind a package name", "", []string{browser, "X-Requested-With: com.tencent.mm", "X-Requested-With: XMLHttpRequest", "Accept: text/html"}, false},
		{"Android's package name", "", []string{browser, "X-Requested-With: com.tencent.mm", "Accept: text/html"}, true},
		{"package name and navigate", "", []string{browser, "X-Requested-With: com.tencent.mm", "Sec-Fetch-Mode: navigate"}, true},
		{"package name in capitals", "", []string{browser, "X-Requested-With: COM.TENCENT.MM", "Accept: text/html"}, true},
		{"WeCom's package name", "", []string{browser, "X-Requested-With: com.tencent.wework", "Accept: text/html"}, true},
		{"another browser's package name", "", []string{browser, "X-Requested-With: com.android.browser", "Accept: text/html"}, true},
		{"package name of a fetch", "", []string{browser, "X-Requested-With: com.tencent.mm", "Sec-Fetch-Mode: cors"}, false},
		{"package name that accepts anything", "", []string{browser, "X-Requested-With: com.tencent.mm", "Accept: */*"}, false},
		{"empty X-Requested-With", "", []string{browser, "X-Requested-With: ", "Accept: text/html"}, true},
		{"longer than XHR", "", []string{browser, "X-Requested-With: XMLHttpRequest2", "Accept: text/html"}, true},
		{"upgrade", "", []string{"Upgrade: websocket", "Connection: Upgrade", "Accept: text/html"}, false},
		{"upgrade and navigate", "", []string{"Upgrade: h2c", "Sec-Fetch-Mode: navigate"}, false},
		{"empty upgrade", "", []string{"Upgrade: ", "Sec-Fetch-Mode: navigate"}, false},
		{"Upgrade-Insecure-Requests", "", []string{browser, "Upgrade-Insecure-Requests: 1", "Accept: text/html"}, true},
	}
	for _, test := range tests {
		r := &http.Request{Method: cmp.Or(test.method, http.MethodGet), Header: header(test.headers...)}
		if got := navigation(r); got != test.want {
			t.Errorf("%s: navigation(%s, %q) = %t, want %t", test.name, r.Method, test.headers, got, test.want)
		}
	}
}

// header returns the headers in lines, under canonical names.
func header(lines ...string) http.Header {
	h := make(http.Header)
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		h.Add(name, strings.TrimPrefix(value, " "))
	}
	return h
}

// FuzzAccepts checks that a list of types means the same on one line and on
// several, and that text/html is only found where it is named.
func FuzzAccepts(f *testing.F) {
	for _, seed := range []string{"", "*/*", "text/html,*/*;q=0.8", "text/html;q=0", " TEXT/HTML ; Q = 0.0 ,,", "text/html;;q", "a;q=0=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		html, anything := accepts([]string{line})
		html2, anything2 := accepts(strings.Split(line, ","))
		if html != html2 || anything != anything2 {
			t.Errorf("accepts(%q) = %t, %t, but %t, %t on several lines", line, html, anything, html2, anything2)
		}
		if html && !strings.Contains(strings.ToLower(line), "text/html") {
			t.Errorf("accepts(%q) names text/html", line)
		}
	})
}
