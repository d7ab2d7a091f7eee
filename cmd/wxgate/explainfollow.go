package main

import "slices"

// eitherWay returns what the gateway does with a request of a visitor of whom nobody
// knows whether they follow the account: yes if they do, no if they do not.
func eitherWay(yes, no explanation) explanation {
	both := explanation{first: yes.first}
	if yes.first != no.first {
		question := "asks WeChat whether the visitor follows the account."
		if no.public {
			question = "asks nobody, as the path is public: the session says whether the visitor follows the account."
		}
		both.first = question + " If so: " + yes.first + " If not: " + no.first
	}
	for _, line := range yes.lines {
		if slices.Contains(no.lines, line) {
			both.lines = append(both.lines, line)
		}
	}
	both.lines = append(both.lines, onlyIn(yes, no, "if the visitor follows the account:")...)
	both.lines = append(both.lines, onlyIn(no, yes, "if the visitor does not follow the account:")...)
	return both
}

// onlyIn returns the lines of a that b does not have, below a title; nothing if there
// are none.
func onlyIn(a, b explanation, title string) []string {
	lines := []string{title}
	for _, line := range a.lines {
		if !slices.Contains(b.lines, line) {
			lines = append(lines, line)
		}
	}
	if len(lines) == 1 {
		return nil
	}
	return lines
}
