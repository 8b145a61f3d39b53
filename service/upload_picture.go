package service

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// Picture draws the first page of the accepted file that a person sent for
// something, so that it can be compared with what is known before it is used. A
// file that is not there any more is NotFound.
func (s *Uploads) Picture(ctx context.Context, by Actor, purpose UploadPurpose, subjectID int64) (Document, error) {
	u, err := s.Current(ctx, by, purpose, subjectID)
	if err != nil {
		return Document{}, err
	}
	if u == nil || u.CleanSHA == "" {
		return Document{}, refuse(NotFound, ReasonNotFound)
	}
	local, release, err := s.in.files.Local(ctx, u.CleanSHA)
	if err != nil {
		return Document{}, fmt.Errorf("picture of upload %d: %w", u.ID, err)
	}
	defer release()
	var picture bytes.Buffer
	if err := s.in.foreign.ContactSheet(ctx, []ContactItem{{Path: local, Caption: u.Name}}, &picture); err != nil {
		return Document{}, fmt.Errorf("picture of upload %d: %w", u.ID, err)
	}
	return Document{
		Size: int64(picture.Len()),
		Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(picture.Bytes())), nil
		},
	}, nil
}
