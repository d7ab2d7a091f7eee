package wechattest

import (
	"cmp"
	"io"
	"net/http"
)

// serve logs a request, takes the fault that applies to it, and answers.
func (e *Emulator) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, cmp.Or(rt.maxBody, maxBodyBytes)))
		x := &transaction{Emulator: e, route: rt, r: r, query: r.URL.Query(), body: body}
		fault := x.begin()
		x.deliver(w, fault, x.process)
	})
}

// begin adds the log entry and takes a fault. A request with the wrong method
// takes none, since it is refused before it is processed.
func (x *transaction) begin() *Fault {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.time = x.clock.now()
	x.entry = newEntry(x.r, x.query, x.body, x.time)
	var fault *Fault
	if x.path != "" && x.r.Method == x.method {
		fault = x.faults.take(x.r.URL.Path, x.appID())
	}
	if fault != nil {
		x.entry.Fault = fault.Mode
	}
	x.requestLog.add(x.entry)
	return fault
}

// process answers the request in one step and logs the status.
func (x *transaction) process() response {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.time = x.clock.now()
	res := x.answerMethod()
	x.requestLog.update(x.entry, func(entry *Request) { entry.Status = res.status })
	return res
}

// answerMethod refuses a wrong method and answers all other requests.
func (x *transaction) answerMethod() response {
	head := x.family == pages && x.r.Method == http.MethodHead
	switch {
	case x.method == "" || x.r.Method == x.method:
		return x.respond(x)
	case head:
		// A link checker's HEAD must not use up a code.
		return response{status: http.StatusOK, contentType: htmlType}
	case x.family == pages:
		return response{status: http.StatusMethodNotAllowed, header: http.Header{"Allow": {x.method}}}
	case x.method == http.MethodGet:
		return x.refused(refuse(43001))
	default:
		return x.refused(refuse(43002))
	}
}
