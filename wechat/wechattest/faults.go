package wechattest

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// FaultMode is a way to fail.
type FaultMode string

// The modes. With those of the first group the request is not processed: a code
// in it can still be used. With those of the second group it is processed and
// only the response is damaged: the code is used, although the client never
// learns the openid.
const (
	FaultErrcode     FaultMode = "errcode"      // refused with Code and Message, in WeChat's form; Code 0 means -1
	FaultStatus      FaultMode = "status"       // HTTP status Status (default 502) with an HTML page
	FaultHTML        FaultMode = "html"         // status 200 with an HTML page, as from a middlebox
	FaultEmpty       FaultMode = "empty"        // status 200 without a body
	FaultHuge        FaultMode = "huge"         // a JSON object of 10 MiB
	FaultHang        FaultMode = "hang"         // no response until the client leaves or the server closes
	FaultResetBefore FaultMode = "reset-before" // the connection is reset

	FaultSlowHeader  FaultMode = "slow-header"  // the response begins after Delay
	FaultSlowBody    FaultMode = "slow-body"    // header and half of the body, the rest after Delay
	FaultTruncated   FaultMode = "truncated"    // half of the JSON, as if it were complete
	FaultWrongTypes  FaultMode = "wrong-types"  // every number as a string: "expires_in":"7200"
	FaultNoOpenID    FaultMode = "no-openid"    // the field openid is missing
	FaultContentType FaultMode = "content-type" // text/html; charset=iso-8859-1 with the correct JSON
	FaultGzip        FaultMode = "gzip"         // Content-Encoding: gzip, even if the client does not accept it
	FaultResetAfter  FaultMode = "reset-after"  // the connection is reset instead of the response
)

// FaultModes lists the modes in the order above.
func FaultModes() []FaultMode {
	return []FaultMode{
		FaultErrcode, FaultStatus, FaultHTML, FaultEmpty, FaultHuge, FaultHang, FaultResetBefore,
		FaultSlowHeader, FaultSlowBody, FaultTruncated, FaultWrongTypes, FaultNoOpenID, FaultContentType, FaultGzip,
		FaultResetAfter,
	}
}

// Fault makes the next requests that it matches fail. If several match a
// request, the oldest applies.
type Fault struct {
	Path    string        `json:"path"`            // such as /sns/oauth2/access_token; empty: every path
	AppID   string        `json:"appid,omitempty"` // empty: every account
	Times   int           `json:"times"`           // how many requests; 0: one; negative: until ClearFaults
	Mode    FaultMode     `json:"mode"`
	Code    int           `json:"code,omitzero"`    // for FaultErrcode
	Message string        `json:"message,omitzero"` // for FaultErrcode; default: the code's usual text
	Status  int           `json:"status,omitzero"`  // for FaultStatus
	Delay   time.Duration `json:"delay,omitzero"`   // for the slow modes, in real time; default one second
}

// faults are the faults that wait for a request, oldest first.
type faults struct {
	mu      sync.Mutex
	waiting []*Fault
}

// Fault adds a fault. One with an unknown mode has no effect on requests.
func (f *faults) Fault(fault Fault) {
	fault.Times = cmp.Or(fault.Times, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, &fault)
}

// Faults lists the faults that wait for requests, with the times that are left.
func (f *faults) Faults() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Fault
	for _, fault := range f.waiting {
		list = append(list, *fault)
	}
	return list
}

// ClearFaults removes all faults.
func (f *faults) ClearFaults() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = nil
}

// take returns the fault that applies to a request, or nil, and counts it.
func (f *faults) take(path, appID string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.waiting, func(fault *Fault) bool {
		return (fault.Path == "" || fault.Path == path) && (fault.AppID == "" || fault.AppID == appID)
	})
	if i < 0 {
		return nil
	}
	fault := f.waiting[i]
	if fault.Times > 0 {
		if fault.Times--; fault.Times == 0 {
			f.waiting = slices.Delete(f.waiting, i, i+1)
		}
	}
	return new(*fault)
}
