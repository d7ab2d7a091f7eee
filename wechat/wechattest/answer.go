package wechattest

import "slices"

// Answer is what the visitor answers when the authorize or scan page asks.
type Answer string

// The answers. All but [AnswerAsk] are given at once, without a page, so that an
// HTTP client gets through. The two refusals and [AnswerSnapshot] are given even
// where WeChat would not have asked.
const (
	AnswerAgree           Answer = "agree"          // back with code and state
	AnswerAsk             Answer = "ask"            // the page is shown and a person presses a button
	AnswerDecline         Answer = "decline-silent" // an empty page; nothing is sent to the site, as seen today
	AnswerDeclineRedirect Answer = "decline"        // back with state only, as documented for older versions
	AnswerSnapshot        Answer = "snapshot"       // back with the code of a snapshot's virtual account
)

func (a Answer) valid() bool {
	return slices.Contains([]Answer{AnswerAgree, AnswerAsk, AnswerDecline, AnswerDeclineRedirect, AnswerSnapshot}, a)
}

// Headers by which one request to the emulator can override what is set for all
// requests.
const (
	VisitorHeader  = "X-Emulator-Visitor"   // id of the visitor who opens the authorize page
	AnswerHeader   = "X-Emulator-Answer"    // that visitor's [Answer]
	ClientIPHeader = "X-Emulator-Client-Ip" // address to check against the IP allow-list, instead of the socket's
)

// HoldPhone gives the phone to a visitor, who opens the authorize page from now
// on. With an unknown id the page says that nobody holds the phone.
func (e *Emulator) HoldPhone(visitorID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.phone = visitorID
}

// SetAnswer sets what visitors answer from now on.
func (e *Emulator) SetAnswer(a Answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = a
}
