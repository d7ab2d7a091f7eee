package main

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// usual returns the headers that are usual with the request: those of a browser's page
// load, or those of a script or a program if what was given is not a page load's.
func (a *explainedRequest) usual() []explainedHeader {
	agent, accept := wechattest.AgentAndroid, ""
	if given, ok := a.header("User-Agent"); ok {
		agent = strings.Join(given, "")
	}
	if given, ok := a.header("Accept"); ok {
		accept = strings.Join(given, ",")
	}
	mode, _ := a.header("Sec-Fetch-Mode")
	if len(mode) == 1 && mode[0] == "" {
		mode = nil // left out, as older browsers do
	}
	list := []explainedHeader{usually("User-Agent", agent)}
	method := cmp.Or(a.asked, a.method)
	switch {
	case method != http.MethodGet && method != http.MethodHead, len(mode) > 0 && !slices.Contains(mode, "navigate"),
		!strings.HasPrefix(agent, "Mozilla/"), accept != "" && !strings.Contains(accept, "text/html"):
		return append(list, usually("Accept", "*/*"))
	}
	return append(list,
		usually("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
		usually("Sec-Fetch-Mode", "navigate"),
		usually("Sec-Fetch-Dest", "document"),
		usually("Sec-Fetch-Site", "none"))
}

// assumed returns the usual headers and the simulated ones, without those that were
// given.
func (a *explainedRequest) assumed(simulated []explainedHeader) []explainedHeader {
	return slices.DeleteFunc(append(a.usual(), simulated...), func(h explainedHeader) bool { return a.gives(h.name) })
}

// assumedLine names the headers that nobody has given; no line if there are none.
func (e *explainer) assumedLine(simulated []explainedHeader) []string {
	var shown []string
	mode := e.ask.gives("Sec-Fetch-Mode")
	for _, h := range e.ask.assumed(simulated) {
		value := strconv.Quote(h.value)
		if h.value == wechattest.AgentAndroid {
			value = "(WeChat's on Android)"
		}
		shown = append(shown, h.name+" "+value)
		mode = mode || h.name == "Sec-Fetch-Mode"
	}
	if !mode {
		shown = append(shown, "no Sec-Fetch-Mode")
	}
	if shown == nil {
		return nil
	}
	return []string{"assumed headers: " + strings.Join(shown, ", ")}
}

// schemeHeader returns the header by which a trusted proxy says that the visitor came
// by plain http.
func (e *explainer) schemeHeader() []explainedHeader {
	if !e.peer().trusted || e.ask.scheme != "http" {
		return nil
	}
	return []explainedHeader{usually("X-Forwarded-Proto", "http")}
}

// describing returns the headers by which a proxy that asks describes the request, as
// far as no given header describes the same. They are nginx's if one of its is given.
func (a *explainedRequest) describing(scheme, host string) []explainedHeader {
	const method, target, whole = "X-Original-Method", "X-Original-Uri", "X-Original-Url"
	prefix := "X-Forwarded-"
	if a.gives(method, target, whole) {
		prefix = "X-Original-"
	}
	var list []explainedHeader
	if !a.gives(method) {
		list = append(list, usually(prefix+"Method", a.method))
	}
	if !a.gives(target, whole, "X-Forwarded-Uri") {
		list = append(list, usually(prefix+"Uri", a.target))
	}
	if address, _ := a.header(whole); !strings.Contains(strings.Join(address, ""), "://") {
		list = append(list, usually("X-Forwarded-Proto", scheme), usually("X-Forwarded-Host", host))
	}
	return list
}
