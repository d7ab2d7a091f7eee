package pages

// invitations are the pages that ask the visitor to do something: nothing has
// failed that the operator could look up.
var invitations = map[Name]bool{
	Declined: true, Follow: true, Unauthorized: true, Snapshot: true, OpenInWeChat: true,
	SignOut: true, SignedOut: true,
}

// reference returns the request id for the footer, or "" on a page that tells of
// no failure. The loss of what was in a form is a failure.
func (v view) reference() string {
	if (invitations[v.page] || v.OutsideWeChat) && !v.Form {
		return ""
	}
	return v.RequestID
}
