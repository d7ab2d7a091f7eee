package wechattest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	defaultFaultDelay = time.Second
	hugeBody          = 10 << 20
	middleboxPage     = "<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n"
)

// deliver sends the response of process, or what the fault makes of it.
func (x *transaction) deliver(w http.ResponseWriter, f *Fault, process func() response) {
	if f == nil {
		process().send(w)
		return
	}
	switch f.Mode {
	case FaultErrcode:
		x.faultErrcode(f).send(w)
	case FaultStatus:
		status := cmp.Or(f.Status, http.StatusBadGateway)
		response{status: status, contentType: "text/html", body: []byte(middleboxPage)}.send(w)
	case FaultHTML:
		response{contentType: "text/html", body: []byte(middleboxPage)}.send(w)
	case FaultEmpty:
		response{}.send(w)
	case FaultHuge:
		body := []byte(`{"openid":"` + strings.Repeat("o", hugeBody) + `"}`)
		response{contentType: "text/plain", body: body}.send(w)
	case FaultHang:
		<-x.r.Context().Done()
	case FaultResetBefore:
		reset(w)
	case FaultResetAfter:
		process()
		reset(w)
	case FaultSlowHeader:
		res := process()
		if x.wait(f.Delay) {
			res.send(w)
		}
	case FaultSlowBody:
		x.sendSlowly(w, process(), f.Delay)
	default:
		damage(process(), f.Mode).send(w)
	}
}

// faultErrcode is a refusal without processing the request.
func (x *transaction) faultErrcode(f *Fault) response {
	x.mu.Lock()
	defer x.mu.Unlock()
	refused := refuse(cmp.Or(f.Code, -1))
	refused.text = cmp.Or(f.Message, refused.text)
	return x.refused(refused)
}

// wait waits in real time. It returns false if the client leaves before the end.
func (x *transaction) wait(d time.Duration) bool {
	timer := time.NewTimer(cmp.Or(d, defaultFaultDelay))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.r.Context().Done():
		return false
	}
}

func (x *transaction) sendSlowly(w http.ResponseWriter, res response, delay time.Duration) {
	half := len(res.body) / 2
	rest := res.body[half:]
	res.header = res.with("Content-Length", strconv.Itoa(len(res.body)))
	res.body = res.body[:half]
	res.send(w)
	http.NewResponseController(w).Flush()
	if x.wait(delay) {
		w.Write(rest)
	}
}

// damage changes the form of a response.
func damage(res response, mode FaultMode) response {
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
		res.body = damageJSON(res.body, mode)
	}
	return res
}

// damageJSON changes the fields of an object. A page is returned as it is.
func damageJSON(body []byte, mode FaultMode) []byte {
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if decoder.Decode(&fields) != nil {
		return body
	}
	for name, value := range fields {
		if n, ok := value.(json.Number); ok && mode == FaultWrongTypes {
			fields[name] = n.String()
		}
	}
	if mode == FaultNoOpenID {
		delete(fields, "openid")
	}
	damaged, _ := json.Marshal(fields)
	return damaged
}

// reset resets the connection, so that the client reads "connection reset" and
// not the end of the response.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: resets the stream
	}
	defer conn.Close()
	if over, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		conn = over.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
}
