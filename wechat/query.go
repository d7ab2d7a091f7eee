package wechat

import (
	"net/url"
	"strings"
)

// query joins names and values in the order given; [url.Values] would sort them.
func query(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(pairs[i] + "=" + escape(pairs[i+1]))
	}
	return b.String()
}

// escape escapes s for use in a query, a space as %20: some decoders read a plus
// sign as a space, others as a plus sign.
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}
