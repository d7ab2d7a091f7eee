package extauthz

import (
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// checkRequest is a CheckRequest, or the error of decoding it. Envoy copies the path
// as the client sent it, and bytes that are not UTF-8 make the message invalid.
type checkRequest struct {
	message authv3.CheckRequest
	err     error
}

// codec is gRPC's own codec, except for a checkRequest that does not decode: gRPC
// would respond with an error before the request could be denied.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(proto.Name)} }

// Unmarshal implements [encoding.CodecV2].
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if check, ok := v.(*checkRequest); ok {
		check.err = c.CodecV2.Unmarshal(data, &check.message)
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}
