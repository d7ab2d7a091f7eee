package samplesite

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

const (
	tickEvery      = time.Second
	heartbeatEvery = 15 * time.Second
)

// echo greets with the openid of the handshake, then returns each message.
func echo(w http.ResponseWriter, r *http.Request) {
	// Accept refuses a page of another site, by its Origin: a browser would send
	// this site's cookies with its request.
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	ctx := r.Context()
	kind, message := websocket.MessageText, []byte("hello "+visitorOf(r).OpenID)
	for err == nil {
		if err = conn.Write(ctx, kind, message); err == nil {
			kind, message, err = conn.Read(ctx)
		}
	}
}

// A tick is one server-sent event.
type tick struct {
	N      int       `json:"n"`
	Time   time.Time `json:"time"`
	OpenID string    `json:"openid"`
}

// events sends a tick each second, and a comment every 15 seconds: the way for a
// site with rare events to keep proxies from closing an idle connection.
func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	openID, stream := visitorOf(r).OpenID, http.NewResponseController(w)
	ticks, heartbeats := time.NewTicker(tickEvery), time.NewTicker(heartbeatEvery)
	defer ticks.Stop()
	defer heartbeats.Stop()
	for n := 1; stream.Flush() == nil; {
		select {
		case <-r.Context().Done():
			return
		case <-heartbeats.C:
			fmt.Fprint(w, ": heartbeat\n\n")
		case now := <-ticks.C:
			data, _ := json.Marshal(tick{n, now, openID}) // cannot fail: plain values
			fmt.Fprintf(w, "data: %s\n\n", data)
			n++
		}
	}
}
