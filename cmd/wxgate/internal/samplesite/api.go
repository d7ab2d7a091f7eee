package samplesite

import (
	"encoding/json"
	"net/http"
)

const maxOrderBytes = 16 << 10

type order struct {
	OpenID   string `json:"openid"`
	Item     string `json:"item"`
	Quantity int    `json:"quantity"`
}

func me(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, visitorOf(r))
}

func placeOrder(w http.ResponseWriter, r *http.Request) {
	var o order
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrderBytes)).Decode(&o)
	if err != nil || o.Item == "" || o.Quantity < 1 {
		writeJSON(w, http.StatusBadRequest, map[string]string{
			"error":   "invalid_order",
			"message": "an order is a JSON object with an item and a quantity of at least 1",
		})
		return
	}
	o.OpenID = visitorOf(r).OpenID // never from the body, which a visitor can forge
	writeJSON(w, http.StatusOK, o)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // fails only if the visitor has left
}
