package wechattest

import (
	"cmp"
	"encoding/json"
	"slices"
)

// Switches choose a behaviour where WeChat's is not documented, differs between
// reports, or differs between clients. All are off in the stock profile, which
// is the behaviour that has been seen most.
type Switches struct {
	// The authorize page.

	StrictOrder       bool `json:"strict_order"`        // refuses parameters out of the documented order or given twice
	WeChatOnly        bool `json:"wechat_only"`         // only User-Agents with MicroMessenger and without wxwork
	RefuseOddState    bool `json:"refuse_odd_state"`    // refuses a state outside a-zA-Z0-9 instead of changing it
	OmitAbsentState   bool `json:"omit_absent_state"`   // no empty state in the callback if the request has none
	DropOpenIDInQuery bool `json:"drop_openid_query"`   // removes the parameter openId from redirect_uri
	TestNeedsFollow   bool `json:"test_needs_follow"`   // a test account shows 10006 to visitors who do not follow it
	SecondHop         bool `json:"second_hop"`          // authorize redirects to itself first; see RepeatHeader
	PreviousCode      bool `json:"previous_code"`       // the last code again while it is valid, as by a desktop client
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
	UnlistedIP61004   bool `json:"unlisted_ip_61004"`   // instead of 40164
	IPListOnSNS       bool `json:"ip_list_on_sns"`      // checks the IP allow-list on sns/oauth2/access_token too
	IgnoreWrongOpenID bool `json:"ignore_wrong_openid"` // sns/userinfo and sns/auth do not compare the openid
	NeedsForceRefresh bool `json:"needs_force_refresh"` // refuses stable_token without force_refresh with 41002

	// Lifetimes.

	RotateRefresh bool `json:"rotate_refresh"` // sns/oauth2/refresh_token makes both tokens anew

	// The form of responses.

	OldHints    bool `json:"old_hints"`    // errmsg ends with ", hints: [ req_id: … ]" instead of ", rid: …"
	ExtraFields bool `json:"extra_fields"` // every object has a field that is not documented
}

// Switches returns the current switches.
func (e *Emulator) Switches() Switches {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.switches
}

// SetSwitches replaces the switches from the next request on.
func (e *Emulator) SetSwitches(s Switches) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.switches = s
}

// named are the switches by their JSON names.
func (s Switches) named() map[string]bool {
	raw, _ := json.Marshal(s)
	var named map[string]bool
	json.Unmarshal(raw, &named)
	return named
}

// set sets the switches by their JSON names.
func (s *Switches) set(named map[string]bool) error {
	raw, _ := json.Marshal(named)
	return json.Unmarshal(raw, s)
}

// switchState is a switch on the dashboard.
type switchState struct {
	Name string
	On   bool
}

// list is sorted by name.
func (s Switches) list() []switchState {
	var list []switchState
	for name, on := range s.named() {
		list = append(list, switchState{name, on})
	}
	slices.SortFunc(list, func(a, b switchState) int { return cmp.Compare(a.Name, b.Name) })
	return list
}
