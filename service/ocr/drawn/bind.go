package drawn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"strings"

	"flowbot/service"
)

// Binder writes scans as the PDF that an office scanner makes of a pile: a page a
// sheet, each one JPEG, as it is. Only one page is in memory; the bytes depend on
// nothing but the scans. It is not safe for concurrent use.
type Binder struct {
	w     io.Writer
	at    int64
	spots []int64 // of objects 3 on: page, contents and image of each scan
	err   error
}

// NewBinder begins a PDF.
func NewBinder(w io.Writer) *Binder {
	b := &Binder{w: w}
	b.print("%%PDF-1.4\n")
	return b
}

func (b *Binder) print(format string, arguments ...any) {
	b.write(fmt.Appendf(nil, format, arguments...))
}

func (b *Binder) write(data []byte) {
	if b.err != nil {
		return
	}
	n, err := b.w.Write(data)
	b.at += int64(n)
	if err != nil {
		b.err = fmt.Errorf("bind scans: %w", err)
	}
}

// object begins the next object.
func (b *Binder) object() int {
	b.spots = append(b.spots, b.at)
	n := len(b.spots) + 2
	b.print("%d 0 obj\n", n)
	return n
}

// Add writes a page. One that was photographed fills a sheet of A4.
func (b *Binder) Add(s *Scan) error {
	c, err := jpeg.DecodeConfig(bytes.NewReader(s.JPEG))
	if err != nil {
		return fmt.Errorf("bind a scan: %w", err)
	}
	const point = 72.0 // an inch
	dots := float64(s.DPI)
	if s.DPI == 0 {
		dots = max(float64(c.Width), float64(c.Height)) / service.SheetHeight * 25.4
	}
	w, h := float64(c.Width)/dots*point, float64(c.Height)/dots*point
	space := "/DeviceRGB"
	if s.Gray {
		space = "/DeviceGray"
	}
	n := b.object()
	b.print("<</Type/Page/Parent 2 0 R/MediaBox[0 0 %.2f %.2f]/Contents %d 0 R/Resources<</XObject<</S %d 0 R>>>>>>\nendobj\n", w, h, n+1, n+2)
	b.object()
	draw := fmt.Sprintf("q %.2f 0 0 %.2f 0 0 cm /S Do Q", w, h)
	b.print("<</Length %d>>\nstream\n%s\nendstream\nendobj\n", len(draw), draw)
	b.object()
	b.print("<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace%s/BitsPerComponent 8/Filter/DCTDecode/Length %d>>\nstream\n",
		c.Width, c.Height, space, len(s.JPEG))
	b.write(s.JPEG)
	b.print("\nendstream\nendobj\n")
	return b.err
}

// Close ends the PDF, not what it is written to.
func (b *Binder) Close() error {
	var pages strings.Builder
	for i := 0; i < len(b.spots); i += 3 {
		fmt.Fprintf(&pages, "%d 0 R ", i+3)
	}
	catalog := b.at
	b.print("1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n")
	root := b.at
	b.print("2 0 obj\n<</Type/Pages/Count %d/Kids[%s]>>\nendobj\n", len(b.spots)/3, pages.String())
	table := b.at
	b.print("xref\n0 %d\n0000000000 65535 f \n", len(b.spots)+3)
	for _, at := range append([]int64{catalog, root}, b.spots...) {
		b.print("%010d 00000 n \n", at)
	}
	b.print("trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(b.spots)+3, table)
	return b.err
}

// Bind draws all pages of a corpus into a PDF, in the order in which they are
// drawn, and returns what is true of them, without the pictures.
func (d *Drawing) Bind(ctx context.Context, w io.Writer) ([]Page, error) {
	b := NewBinder(w)
	var out []Page
	for {
		page, err := d.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out, b.Close()
		}
		if err != nil {
			return nil, err
		}
		if err := b.Add(&page.Scan); err != nil {
			return nil, err
		}
		page.JPEG = nil
		out = append(out, *page)
	}
}
