package wechattest

// Switches choose where WeChat's behaviour is not documented, differs between
// reports, or differs between clients. All are off in the stock profile, which
// is what has been seen most.
type Switches struct {
	// The authorize page.
	StrictOrder       bool `json:"strict_order"`        // parameters in the documented order and each once, else "cannot be opened"
	WeChatOnly        bool `json:"wechat_only"`         // only User-Agents with MicroMessenger and without wxwork
	RefuseOddState    bool `json:"refuse_odd_state"`    // a state outside a-zA-Z0-9 is refused instead of mangled
	OmitAbsentState   bool `json:"omit_absent_state"`   // no state in the request: none in the callback, instead of an empty one
	DropOpenIDInQuery bool `json:"drop_openid_query"`   // a parameter openId of redirect_uri vanishes
	TestNeedsFollow   bool `json:"test_needs_follow"`   // a test account answers 10006 to who does not follow it
	SecondHop         bool `json:"second_hop"`          // authorize redirects to itself first; see Browser for what follows
	PreviousCode      bool `json:"previous_code"`       // the last code is given again while it lives, as by a desktop client
	SharedSnapshotID  bool `json:"shared_snapshot_id"`  // all snapshot visitors have one unionid
	HideSnapshotFlag  bool `json:"hide_snapshot_flag"`  // is_snapshotuser is missing, as at times in the first weeks
	SnapshotNoProfile bool `json:"snapshot_no_profile"` // sns/userinfo refuses a snapshot visitor with 48001

	// Error codes.
	WrongSecret40001  bool `json:"wrong_secret_40001"`  // instead of 40125, on sns/oauth2/access_token
	ExpiredCode42003  bool `json:"expired_code_42003"`  // instead of 40029
	UsedCode40029     bool `json:"used_code_40029"`     // instead of 40163
	BadRefresh40029   bool `json:"bad_refresh_40029"`   // instead of 40030
	UnknownToken40014 bool `json:"unknown_token_40014"` // instead of 40001, on sns/userinfo and sns/auth
	UnlistedIP89503   bool `json:"unlisted_ip_89503"`   // instead of 40164
	IPListOnSNS       bool `json:"ip_list_on_sns"`      // the IP allow-list holds for sns/oauth2/access_token too
	NeedsForceRefresh bool `json:"needs_force_refresh"` // stable_token without force_refresh is 41002

	// The form of answers.
	OldHints    bool `json:"old_hints"`    // errmsg ends with ", hints: [ req_id: … ]" instead of ", rid: …"
	ExtraFields bool `json:"extra_fields"` // every object has a field that no documentation names
}

// Switches tells how the emulator behaves now.
func (e *Emulator) Switches() Switches {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.switches
}

// SetSwitches changes how the emulator behaves from the next request on.
func (e *Emulator) SetSwitches(s Switches) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.switches = s
}
