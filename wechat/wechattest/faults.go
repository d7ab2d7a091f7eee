package wechattest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FaultMode is a way to fail.
type FaultMode string

// The modes. In the first group the request is not processed: a code that it
// carries stays good. In the second it is, and only the answer suffers: the
// code is used though the client never learns what for.
const (
	FaultErrcode     FaultMode = "errcode"      // refused with Code and Message, in WeChat's form; Code 0 stands for -1, "system error"
	FaultStatus      FaultMode = "status"       // HTTP status Status (default 502) with an HTML page
	FaultHTML        FaultMode = "html"         // status 200 with an HTML page, as from a middlebox
	FaultEmpty       FaultMode = "empty"        // status 200 without a body
	FaultHuge        FaultMode = "huge"         // a JSON object of 10 MiB
	FaultHang        FaultMode = "hang"         // no answer until the client leaves or the server closes
	FaultResetBefore FaultMode = "reset-before" // the connection is reset

	FaultSlowHeader  FaultMode = "slow-header"  // the answer begins after Delay
	FaultSlowBody    FaultMode = "slow-body"    // header and half of the body, the rest after Delay
	FaultTruncated   FaultMode = "truncated"    // half of the JSON, as if complete
	FaultWrongTypes  FaultMode = "wrong-types"  // every number as a string: "expires_in":"7200"
	FaultNoOpenID    FaultMode = "no-openid"    // the field openid is missing
	FaultContentType FaultMode = "content-type" // text/html; charset=iso-8859-1 around the right JSON
	FaultGzip        FaultMode = "gzip"         // Content-Encoding: gzip, asked for or not
	FaultResetAfter  FaultMode = "reset-after"  // the connection is reset instead of the answer
)

// FaultModes lists the modes in the order above.
func FaultModes() []FaultMode {
	return []FaultMode{
		FaultErrcode, FaultStatus, FaultHTML, FaultEmpty, FaultHuge, FaultHang, FaultResetBefore,
		FaultSlowHeader, FaultSlowBody, FaultTruncated, FaultWrongTypes, FaultNoOpenID, FaultContentType, FaultGzip,
		FaultResetAfter,
	}
}

const (
	defaultFaultDelay = time.Second
	hugeBody          = 10 << 20
)

// Fault lets the next requests fail that it matches. Of several faults for
// one request the oldest is taken.
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

// Fault arms a fault. One with an unknown mode lets requests pass.
func (e *Emulator) Fault(f Fault) {
	f.Times = cmp.Or(f.Times, 1)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = append(e.faults, &f)
}

// Faults lists those that are armed, with the times that are left.
func (e *Emulator) Faults() []Fault {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []Fault
	for _, f := range e.faults {
		list = append(list, *f)
	}
	return list
}

// ClearFaults disarms all.
func (e *Emulator) ClearFaults() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults = nil
}

// takeFault finds the fault that a request is to suffer and counts it.
func (e *Emulator) takeFault(path, appID string) *Fault {
	i := slices.IndexFunc(e.faults, func(f *Fault) bool {
		return (f.Path == "" || f.Path == path) && (f.AppID == "" || f.AppID == appID)
	})
	if i < 0 {
		return nil
	}
	f := e.faults[i]
	if f.Times > 0 {
		if f.Times--; f.Times == 0 {
			e.faults = slices.Delete(e.faults, i, i+1)
		}
	}
	return new(*f)
}

const middleboxPage = "<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n"

// deliver sends what answer makes, or what the fault makes of it.
func (c *call) deliver(w http.ResponseWriter, f *Fault, answer func() response) {
	if f == nil {
		answer().send(w)
		return
	}
	switch f.Mode {
	case FaultErrcode:
		c.mu.Lock()
		refused := refuse(cmp.Or(f.Code, -1))
		refused.text = cmp.Or(f.Message, refused.text)
		res := c.refused(refused)
		c.mu.Unlock()
		res.send(w)
	case FaultStatus:
		response{status: cmp.Or(f.Status, http.StatusBadGateway), contentType: "text/html", body: []byte(middleboxPage)}.send(w)
	case FaultHTML:
		response{contentType: "text/html", body: []byte(middleboxPage)}.send(w)
	case FaultEmpty:
		response{}.send(w)
	case FaultHuge:
		response{contentType: "text/plain", body: []byte(`{"openid":"` + strings.Repeat("o", hugeBody) + `"}`)}.send(w)
	case FaultHang:
		<-c.r.Context().Done()
	case FaultResetBefore:
		reset(w)
	case FaultResetAfter:
		answer()
		reset(w)
	case FaultSlowHeader:
		res := answer()
		if c.wait(f.Delay) {
			res.send(w)
		}
	case FaultSlowBody:
		c.sendSlowly(w, answer(), f.Delay)
	default:
		spoil(answer(), f.Mode).send(w)
	}
}

// wait waits in real time; false: the client has left.
func (c *call) wait(d time.Duration) bool {
	timer := time.NewTimer(cmp.Or(d, defaultFaultDelay))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.r.Context().Done():
		return false
	}
}

func (c *call) sendSlowly(w http.ResponseWriter, res response, delay time.Duration) {
	half := len(res.body) / 2
	rest := res.body[half:]
	res.header = res.with("Content-Length", strconv.Itoa(len(res.body)))
	res.body = res.body[:half]
	res.send(w)
	http.NewResponseController(w).Flush()
	if c.wait(delay) {
		w.Write(rest)
	}
}

// spoil gives a processed answer another form.
func spoil(res response, mode FaultMode) response {
	switch mode {
	case FaultTruncated:
		res.body = res.body[:len(res.body)/2]
	case FaultContentType:
		res.contentType = "text/html; charset=iso-8859-1"
	case FaultGzip:
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(res.body)
		z.Close()
		res.body, res.header = b.Bytes(), res.with("Content-Encoding", "gzip")
	case FaultWrongTypes, FaultNoOpenID:
		var fields map[string]any
		decoder := json.NewDecoder(bytes.NewReader(res.body))
		decoder.UseNumber()
		if decoder.Decode(&fields) != nil {
			return res // a page
		}
		for name, value := range fields {
			if n, ok := value.(json.Number); ok && mode == FaultWrongTypes {
				fields[name] = n.String()
			}
		}
		if mode == FaultNoOpenID {
			delete(fields, "openid")
		}
		res.body, _ = json.Marshal(fields)
	}
	return res
}

// with is the answer's header and one field more.
func (res response) with(name, value string) http.Header {
	header := http.Header{}
	maps.Copy(header, res.header)
	header.Set(name, value)
	return header
}

// send writes an answer.
func (res response) send(w http.ResponseWriter) {
	header := w.Header()
	maps.Copy(header, res.header)
	if res.contentType != "" {
		header.Set("Content-Type", res.contentType)
	} else {
		header["Content-Type"] = nil // else net/http guesses one
	}
	w.WriteHeader(cmp.Or(res.status, http.StatusOK))
	w.Write(res.body)
}

// reset ends the connection the hard way, so that the client reads "connection
// reset" and not an orderly end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: a stream reset
	}
	defer conn.Close()
	if over, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		conn = over.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
}
