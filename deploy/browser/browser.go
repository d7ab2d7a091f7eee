// Package browser tests wxgate with a browser: Chromium goes through the demo,
// and the URL parser that browsers implement reads the addresses that the gateway
// redirects to. The tests are a module of their own, so that the libraries that
// they need stay out of the gateway's go.mod.
package browser
