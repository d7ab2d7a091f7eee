package extauthz

import (
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// question is a CheckRequest, or why it could not be read. Envoy puts the path
// into it as the client sent it, and a byte that is no UTF-8 makes the whole
// message one that does not decode.
type question struct {
	message authv3.CheckRequest
	err     error
}

// codec is gRPC's own, but for a question that does not decode: gRPC would
// answer that with an error, before anybody could deny it.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(proto.Name)} }

// Unmarshal implements [encoding.CodecV2].
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if q, ok := v.(*question); ok {
		q.err = c.CodecV2.Unmarshal(data, &q.message)
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}
