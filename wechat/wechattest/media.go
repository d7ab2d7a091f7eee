package wechattest

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"path"
	"slices"
	"strings"
)

// maxUploadBytes is the largest body of an upload that is read: the largest file
// and its form.
const maxUploadBytes = 11 << 20

// mediaKind are the rules for one type of files [WeChat's guide to media].
type mediaKind struct {
	maxBytes   int
	tooLarge   int // errcode
	extensions []string
	idName     string // of the answer's field
}

var mediaKinds = map[string]mediaKind{
	"image": {10 << 20, 40009, []string{".png", ".jpg", ".jpeg", ".gif", ".bmp"}, "media_id"},
	"voice": {2 << 20, 40010, []string{".amr", ".mp3"}, "media_id"},
	"video": {10 << 20, 40011, []string{".mp4"}, "media_id"},
	"thumb": {64 << 10, 40012, []string{".jpg", ".jpeg"}, "thumb_media_id"},
}

// uploadMedia is cgi-bin/media/upload. The file is not kept.
func uploadMedia(x *transaction) (any, *refusal) {
	if _, refused := accountCall(x); refused != nil {
		return nil, refused
	}
	name := x.query.Get("type")
	kind, known := mediaKinds[name]
	if !known {
		return nil, refuse(40004)
	}
	file, size := x.uploaded("media")
	switch {
	case size == 0:
		return nil, refuse(41005)
	case !slices.Contains(kind.extensions, strings.ToLower(path.Ext(file))):
		return nil, refuse(40005)
	case size > kind.maxBytes:
		return nil, refuse(kind.tooLarge)
	}
	return map[string]any{
		"type": name, kind.idName: x.random.text(tokenAlphabet, 64), "created_at": x.time.Unix(),
	}, nil
}

// uploaded returns the name and the size of the file in a field of a multipart
// form. The size is 0 if there is none.
func (x *transaction) uploaded(field string) (file string, size int) {
	mediaType, parameters, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" {
		return "", 0
	}
	form := multipart.NewReader(bytes.NewReader(x.body), parameters["boundary"])
	for {
		part, err := form.NextPart()
		if err != nil {
			return "", 0
		}
		if part.FormName() == field && part.FileName() != "" {
			n, _ := io.Copy(io.Discard, part) // of a part that is cut off, what there is
			return part.FileName(), int(n)
		}
	}
}
