package service

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // pages are
	"io"
	"slices"
)

// pageReader has pages read, one of a batch as one that is loaded by hand, and
// stores what comes of them. It is safe for concurrent use.
type pageReader struct {
	files      FileStore
	printer    Printer
	recogniser Recogniser
	lists      *pageLists
}

// workedPage is what came of a page, stored but not yet written down.
type workedPage struct {
	rule          MatchRule
	applicationID int64 // first opinion
	evidence      json.RawMessage
	clean         File
	thumb         File
	view          File
	lines         File
}

// work reads a page and stores what comes of it: what the candidate gets, unless
// nothing is on the page, and the pictures for a person to look at, unless the
// machine is certain whose it is and nobody asks for them.
func (p *pageReader) work(ctx context.Context, list *PageList, page []byte, shown bool) (*workedPage, error) {
	found, err := p.recogniser.Recognise(ctx, list, page)
	if err != nil {
		return nil, err
	}
	r := &found.Reading
	w := &workedPage{}
	r.seal(list.Certificates)
	w.applicationID, w.rule = MatchPage(list.Certificates, r.against(list.Certificates))
	r.Candidates = bestCandidates(r.Candidates)
	if w.evidence, err = json.Marshal(r); err != nil {
		return nil, fmt.Errorf("write evidence: %w", err)
	}
	if w.thumb, err = p.put(ctx, found.Thumb, typeJPEG); err != nil || r.Empty {
		return w, err
	}
	if w.clean, err = p.clean(ctx, found.Clean, cleanDots(found.Clean, r, &list.Profile)); err != nil {
		return nil, err
	}
	if w.applicationID != 0 && !shown {
		return w, nil
	}
	drawn, err := p.recogniser.Show(ctx, &list.Profile, page, r)
	if err != nil {
		return nil, err
	}
	if w.view, err = p.put(ctx, drawn.View, typeJPEG); err != nil {
		return nil, err
	}
	w.lines, err = p.put(ctx, drawn.Lines, typeJPEG)
	return w, err
}

// clean stores a page as the candidate gets it. Dots is its resolution, 0 where
// nothing tells it.
func (p *pageReader) clean(ctx context.Context, page []byte, dots float64) (File, error) {
	pdf, err := p.printer.ScanPage(ctx, page, dots)
	if err != nil {
		return File{}, fmt.Errorf("clean page: %w", err)
	}
	return p.put(ctx, pdf, typePDF)
}

// typeJPEG is the MIME type of pictures of pages.
const typeJPEG = "image/jpeg"

// put stores a picture; none is the zero file.
func (p *pageReader) put(ctx context.Context, content []byte, mime string) (File, error) {
	if len(content) == 0 {
		return File{}, nil
	}
	sha, size, err := p.files.Put(ctx, bytes.NewReader(content))
	if err != nil {
		return File{}, fmt.Errorf("store picture: %w", err)
	}
	return File{SHA256: sha, Size: size, Type: mime}, nil
}

// bytes is the whole of a stored page.
func (p *pageReader) bytes(ctx context.Context, sha string) (content []byte, err error) {
	r, err := p.files.Open(ctx, sha)
	if err != nil {
		return nil, fmt.Errorf("open page: %w", err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return io.ReadAll(r)
}

// cleanMargin is around the blank on a clean page, in millimetres.
const cleanMargin = 1.0

// cleanDots is the resolution of a clean page in dots an inch, 0 where no blank
// tells it.
func cleanDots(jpeg []byte, r *PageReading, profile *BlankProfile) float64 {
	if !r.Located || profile.Sheet.Width == 0 {
		return 0
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(jpeg))
	if err != nil {
		return 0
	}
	return float64(c.Width) / (profile.Sheet.Width + 2*cleanMargin) * 25.4
}

// mostCandidates is how many of a long list's applications are kept with what was
// read, those that agree best: a page without an exam is read against hundreds.
const mostCandidates = 40

// bestCandidates keeps those that agree best.
func bestCandidates(list []CandidateReading) []CandidateReading {
	if len(list) <= mostCandidates {
		return list
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b CandidateReading) int {
		return cmp.Compare(b.Digits+max(b.Name, b.Latin), a.Digits+max(a.Name, a.Latin))
	})
	return list[:mostCandidates]
}
