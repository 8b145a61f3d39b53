package service

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io"
	"time"
)

// QuestionPictures are the pictures of a page for the person who decides; nil for
// what cannot be drawn.
type QuestionPictures struct {
	View  *Document // the page, above the one that stands beside it, if any
	Lines *Document // the lines of number and name, enlarged
}

// showPatience is how long a person waits for a picture that has to be drawn
// first: the readers may be busy with a batch.
const showPatience = 15 * time.Second

// Picture returns the pictures of a page and of the one that stands beside it, 0
// for none. What was not drawn while the page was read is drawn now.
func (s *ScanQuestions) Picture(ctx context.Context, by Actor, pageID, besideID int64) (*QuestionPictures, error) {
	view, lines, err := s.drawn(ctx, by, pageID)
	if err != nil {
		return nil, err
	}
	out := &QuestionPictures{}
	if lines != "" {
		if out.Lines, err = s.picture(ctx, lines); err != nil {
			return nil, err
		}
	}
	if view == "" {
		return out, nil
	}
	if out.View, err = s.picture(ctx, view); err != nil || besideID == 0 {
		return out, err
	}
	below, _, err := s.drawn(ctx, by, besideID)
	if err != nil || below == "" {
		return out, err
	}
	out.View, err = s.stacked(ctx, view, below)
	return out, err
}

// picture makes a stored picture a Document.
func (s *ScanQuestions) picture(ctx context.Context, sha string) (*Document, error) {
	f, err := s.store.File(ctx, sha)
	if err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	d := storedDocument(s.batches.files, "page.jpg", f)
	return &d, nil
}

// drawn returns the stored pictures of a page, which are drawn first if need be.
// Both are "" for a page of which there is nothing to see.
func (s *ScanQuestions) drawn(ctx context.Context, by Actor, pageID int64) (view, lines string, err error) {
	l, e, err := s.line(ctx, by, pageID)
	if err != nil {
		return "", "", err
	}
	if l.ViewSHA != "" || l.SHA == "" {
		return l.ViewSHA, l.LinesSHA, nil
	}
	ctx, cancel := context.WithTimeout(ctx, showPatience)
	defer cancel()
	shown, err := s.show(ctx, e, l)
	if ReasonOf(err) == ReasonPageUnreadable {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("draw page %d: %w", pageID, err)
	}
	var kept [2]File
	for i, jpg := range [][]byte{shown.View, shown.Lines} {
		if kept[i], err = s.batches.put(ctx, jpg, typeJPEG); err != nil {
			return "", "", fmt.Errorf("picture of page %d: %w", pageID, err)
		}
	}
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		for _, f := range kept {
			if f.SHA256 == "" {
				continue
			}
			if err := tx.SaveFile(ctx, f); err != nil {
				return err
			}
		}
		return tx.SavePageView(ctx, pageID, kept[0].SHA256, kept[1].SHA256)
	})
	if err != nil {
		return "", "", fmt.Errorf("keep the picture of page %d: %w", pageID, err)
	}
	return kept[0].SHA256, kept[1].SHA256, nil
}

// show draws a page.
func (s *ScanQuestions) show(ctx context.Context, e *Exam, l *ScanPageLine) (*ShownPage, error) {
	r, err := l.ReadingOf()
	if err != nil {
		return nil, err
	}
	if r == nil {
		r = &PageReading{}
	}
	var profile BlankProfile
	if e.ID != 0 {
		list, err := s.batches.lists.of(ctx, s.store, e.CenterID, []int64{e.ID})
		if err != nil {
			return nil, err
		}
		profile = list.Profile
	}
	page, err := s.batches.bytes(ctx, l.SHA)
	if err != nil {
		return nil, err
	}
	return s.batches.recogniser.Show(ctx, &profile, page, r)
}

// stackGap is the bar between two pages on one picture, in pixels.
const stackGap = 16

// stacked draws one stored view above another.
func (s *ScanQuestions) stacked(ctx context.Context, above, below string) (*Document, error) {
	var pages [2]image.Image
	for i, sha := range []string{above, below} {
		raw, err := s.batches.bytes(ctx, sha)
		if err != nil {
			return nil, err
		}
		if pages[i], err = jpeg.Decode(bytes.NewReader(raw)); err != nil {
			return nil, fmt.Errorf("picture: %w", err)
		}
	}
	a, b := pages[0].Bounds(), pages[1].Bounds()
	sheet := image.NewRGBA(image.Rect(0, 0, max(a.Dx(), b.Dx()), a.Dy()+stackGap+b.Dy()))
	draw.Draw(sheet, sheet.Bounds(), image.NewUniform(color.Gray{Y: 0x60}), image.Point{}, draw.Src)
	draw.Draw(sheet, image.Rect(0, 0, a.Dx(), a.Dy()), pages[0], a.Min, draw.Src)
	draw.Draw(sheet, image.Rect(0, a.Dy()+stackGap, b.Dx(), a.Dy()+stackGap+b.Dy()), pages[1], b.Min, draw.Src)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, sheet, &jpeg.Options{Quality: 80}); err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	return &Document{
		Name: "page.jpg", Size: int64(out.Len()),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.Bytes())), nil },
	}, nil
}
