package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// maxPicture is the most bytes of one picture. Source: the journal's
// specification, which says so of screenshots.
const maxPicture = 20 << 20

// intake brings what people send in chat into the file store and looks what it
// is.
type intake struct {
	chat    ChatFiles
	foreign Foreign
	files   FileStore
	max     int64 // bytes, MAX_DOWNLOAD
}

// examined is what a look at a file found.
type examined struct {
	kind            ForeignKind
	original, clean File
	pages           int

	// See Upload.
	evidence    json.RawMessage
	page, lines File // zero: none
}

func (e *examined) save(ctx context.Context, tx Tx) error {
	for _, f := range []File{e.original, e.clean, e.page, e.lines} {
		if f.SHA256 == "" {
			continue
		}
		if err := tx.SaveFile(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// fits refuses a file of which the chat tells that it is too large to be fetched.
func (in intake) fits(size int64) error {
	if size > in.max {
		return refuseWith(Invalid, ReasonFileOverLimit, FileBound{Limit: in.max, Got: size})
	}
	return nil
}

// fetch brings a file from the chat into the file store.
func (in intake) fetch(ctx context.Context, ref string) (File, error) {
	sha, size, err := putFrom(ctx, in.files, func(w io.Writer) error {
		_, err := in.chat.Fetch(ctx, ref, w, in.max)
		return err
	})
	if err != nil {
		return File{}, fmt.Errorf("fetch file: %w", err)
	}
	return File{SHA256: sha, Size: size, Type: "application/octet-stream"}, nil
}

// paper looks at a PDF or, unless it must be a PDF, a picture.
func (in intake) paper(ctx context.Context, original File, local string, onlyPDF bool) (*examined, error) {
	info, err := in.foreign.CheckPDF(ctx, local)
	switch {
	case err == nil:
		original.Type = info.Type
		return &examined{kind: ForeignPDF, original: original, clean: original, pages: info.Pages}, nil
	case ReasonOf(err) != ReasonFileIsPicture || onlyPDF:
		return nil, err
	}
	return in.picture(ctx, original, local)
}

// anyPaper is paper for what must be a PDF or a picture, whichever.
func (in intake) anyPaper(ctx context.Context, original File, local string) (*examined, error) {
	found, err := in.paper(ctx, original, local, false)
	if r := ReasonOf(err); r == ReasonFileNotPDF || r == ReasonFileNotPicture {
		err = &Error{Kind: Invalid, Reason: ReasonUploadNotPaper, Err: err}
	}
	return found, err
}

// picture looks at a picture and stores it without its metadata.
func (in intake) picture(ctx context.Context, original File, local string) (*examined, error) {
	if original.Size > maxPicture {
		return nil, refuseWith(Invalid, ReasonFileTooBig, FileBound{Limit: maxPicture, Got: original.Size})
	}
	var picture bytes.Buffer
	info, err := in.foreign.CleanImage(ctx, local, &picture)
	if err != nil {
		return nil, err
	}
	original.Type = info.Type
	clean := File{Size: int64(picture.Len()), Type: http.DetectContentType(picture.Bytes())}
	if clean.SHA256, _, err = in.files.Put(ctx, &picture); err != nil {
		return nil, fmt.Errorf("store picture: %w", err)
	}
	return &examined{kind: ForeignImage, original: original, clean: clean, pages: 1}, nil
}
