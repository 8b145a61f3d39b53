package foreign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"os"

	"golang.org/x/sys/unix"

	"flowbot/service"
)

// What may lie in the child's directory until the parent has taken it.
const (
	maxLying      = 8        // pages
	maxLyingBytes = 64 << 20 // beyond the page that is being written
)

// pager takes a file of scans apart in the child.
type pager struct {
	q       question
	link    link
	tool    *jpegTool
	name    string // of the archive's entry that is being read
	number  int    // of the last page that is out
	last    service.ForeignPage
	waiting int     // entries of the archive still to be read, each of a page at least
	lying   []int64 // sizes of the pages that the parent has not taken
}

// pages is Pages in the child.
func pages(ctx context.Context, q question, l link) (service.ForeignFile, error) {
	tool, err := newJPEGTool()
	if err != nil {
		return service.ForeignFile{}, err
	}
	p := &pager{q: q, link: l, tool: tool}
	f, beginning, size, err := head(q.Items[0].Path)
	if err != nil {
		return service.ForeignFile{}, err
	}
	defer func() { _ = f.Close() }()
	if size > q.ScanBytes {
		return service.ForeignFile{}, exceeds(service.ReasonFileTooBig, q.ScanBytes, size)
	}
	out := service.ForeignFile{Kind: service.ForeignImage, Type: sniff(beginning)}
	switch {
	case isZip(beginning):
		out.Kind, out.Type = service.ForeignArchive, typeZip
		err = p.zip(ctx, f, size)
	case out.Type == typePDF:
		out.Kind = service.ForeignPDF
		fallthrough
	default:
		err = p.file(ctx, q.Items[0].Path, out.Type)
	}
	if err != nil {
		return service.ForeignFile{}, err
	}
	out.Pages = p.number
	if out.Kind == service.ForeignImage && out.Pages == 1 {
		out.Width, out.Height = p.last.Width, p.last.Height
	}
	return out, nil
}

// file takes one file apart that is no archive.
func (p *pager) file(ctx context.Context, path, kind string) error {
	switch kind {
	case "":
		return refuse(service.ReasonFileNotPDF, "nothing that is read")
	case typeJPEG:
		return p.jpeg(path)
	case typeTIFF:
		return p.tiff(path)
	case typePDF:
		return p.pdf(ctx, path)
	default:
		return p.picture(path)
	}
}

// room is the number of pages that may still come.
func (p *pager) room() int { return p.q.Pages - p.number - p.waiting }

// picture reads a picture of one page.
func (p *pager) picture(path string) error {
	img, _, err := readImage(p.q, path)
	if err != nil {
		return err
	}
	b, err := p.tool.encode(img)
	if err != nil {
		return err
	}
	return p.out(b)
}

// jpeg reads a JPEG, which stays as it was coded if it can.
func (p *pager) jpeg(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	turned := orientation(exifOfJPEG(b))
	plain, err := stripJPEG(b)
	if err != nil {
		return err
	}
	return p.coded(b, plain, turned)
}

// coded lets out a JPEG that has been looked at.
func (p *pager) coded(whole []byte, plain plainJPEG, turned int) error {
	if err := isBearable(p.q, plain.width, plain.height); err != nil {
		return err
	}
	b := plain.bytes
	if !plain.isPlain {
		img, err := jpeg.Decode(bytes.NewReader(whole))
		if err != nil {
			return refuse(service.ReasonFileBroken, "cannot decode JPEG")
		}
		if b, err = p.tool.encode(img); err != nil {
			return err
		}
	}
	b, err := p.tool.turn(b, turned)
	if err != nil {
		return err
	}
	return p.out(b)
}

// out gives a page to the parent.
func (p *pager) out(b []byte) error {
	if err := os.WriteFile("written", b, 0o600); err != nil { //nolint:gosec // the name is ours
		return err
	}
	return p.outFile("written")
}

// outFile gives a page to the parent that lies in a file.
func (p *pager) outFile(name string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	width, height := frameOf(b)
	if err := isBearable(p.q, width, height); err != nil {
		return err
	}
	if err := os.Rename(name, pageFile(p.number+1)); err != nil {
		return err
	}
	return p.tell(service.ForeignPage{Width: width, Height: height}, int64(len(b)))
}

// tell writes a note about a page and waits until there is room for another.
func (p *pager) tell(page service.ForeignPage, size int64) error {
	p.number++
	page.Number, page.Name = p.number, p.name
	p.last = page
	if err := p.link.notes.Encode(note{Page: &page}); err != nil {
		return fmt.Errorf("tell of a page: %w", err)
	}
	p.lying = append(p.lying, size)
	for sum(p.lying) > maxLyingBytes || len(p.lying) > maxLying {
		if _, err := p.link.acks.ReadByte(); err != nil {
			return fmt.Errorf("wait for the parent: %w", err)
		}
		p.lying = p.lying[1:]
	}
	if spent() > p.q.CPU {
		return &verdict{Reason: service.ReasonFileTooHeavy, Cause: "all pages together took too long", isFinal: true}
	}
	return nil
}

func sum(v []int64) (s int64) {
	for _, n := range v {
		s += n
	}
	return s
}

// spent is the processor time, in seconds, of this process and of the programs
// that it waited for.
func spent() int64 {
	var s int64
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if unix.Getrusage(who, &u) == nil {
			s += u.Utime.Sec + u.Stime.Sec
		}
	}
	return s
}

// each lets out one page, or the pages of one entry, of many. A verdict on it
// makes it a page that cannot be read; any other error ends the work.
func (p *pager) each(read func() error) error {
	err := safely(read)
	var v *verdict
	if !errors.As(err, &v) || v.isFinal {
		return err
	}
	return p.tell(service.ForeignPage{Refusal: v.Reason}, 0)
}

// safely makes the panic of a decoder, which has met a broken file, a verdict.
func safely(read func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = refuse(service.ReasonFileBroken, "a decoder panicked")
		}
	}()
	return read()
}
