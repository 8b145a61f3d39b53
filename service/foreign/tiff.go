package foreign

/*
#cgo LDFLAGS: -ltiff
#include <stdlib.h>
#include <tiffio.h>

// cgo cannot call what takes any number of arguments.
static void be_silent(void) { TIFFSetErrorHandler(NULL); TIFFSetWarningHandler(NULL); }
static uint32_t tag32(TIFF *t, uint32_t tag) { uint32_t v = 0; TIFFGetFieldDefaulted(t, tag, &v); return v; }
static uint16_t tag16(TIFF *t, uint32_t tag) { uint16_t v = 0; TIFFGetFieldDefaulted(t, tag, &v); return v; }
static float tagf(TIFF *t, uint32_t tag) { float v = 0; TIFFGetField(t, tag, &v); return v; }
static void as_it_lies(TIFF *t) { TIFFSetField(t, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT); }
*/
import "C"

import (
	"encoding/binary"
	"image"
	"io"
	"os"
	"unsafe"

	"golang.org/x/image/draw"

	"flowbot/service"
)

// TIFF is read by libtiff, which the programs that write TIFF use as well: the
// decoder in golang.org/x/image knows one page, and no JPEG inside. Leptonica,
// which recognition needs anyway, brings it along.

// tiffPages lists the numbers of a file's directories that hold a page:
// thumbnails and masks are none. It walks the chain itself, as libtiff takes a
// chain that leads nowhere for one that has ended. Source: TIFF 6.0, section 2.
func tiffPages(f io.ReaderAt, most int) ([]int, error) {
	broken := refuse(service.ReasonFileBroken, "a chain of pages that leads nowhere")
	var b [8]byte
	if _, err := f.ReadAt(b[:], 0); err != nil {
		return nil, broken
	}
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	var pages []int
	seen := make(map[uint32]bool)
	for at := order.Uint32(b[4:]); at != 0; {
		if seen[at] || len(seen) > 4*most {
			return nil, broken
		}
		seen[at] = true
		entries, err := tiffDirectory(f, order, int64(at))
		if err != nil {
			return nil, broken
		}
		next := entries[len(entries)-4:]
		if isTIFFPage(order, entries[:len(entries)-4]) {
			pages = append(pages, len(seen)-1)
		}
		at = order.Uint32(next)
	}
	switch {
	case len(pages) == 0:
		return nil, refuse(service.ReasonFileBroken, "no page")
	case len(pages) > most:
		return nil, exceeds(service.ReasonFileTooManyPages, int64(most), int64(len(pages)))
	}
	return pages, nil
}

// tiffDirectory reads the entries of a directory, of 12 bytes each, and the 4
// bytes after them.
func tiffDirectory(f io.ReaderAt, order binary.ByteOrder, at int64) ([]byte, error) {
	var count [2]byte
	if _, err := f.ReadAt(count[:], at); err != nil {
		return nil, err
	}
	entries := make([]byte, 12*int(order.Uint16(count[:]))+4)
	_, err := f.ReadAt(entries, at+2)
	return entries, err
}

// isTIFFPage tells whether a directory is no smaller copy and no mask of
// another: tag NewSubfileType.
func isTIFFPage(order binary.ByteOrder, entries []byte) bool {
	const tag, isReduced, isMask = 254, 1, 4
	for ; len(entries) >= 12; entries = entries[12:] {
		if order.Uint16(entries) == tag {
			return order.Uint32(entries[8:])&(isReduced|isMask) == 0
		}
	}
	return true
}

// tiff takes a TIFF apart.
func (p *pager) tiff(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	numbers, err := tiffPages(f, p.room())
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	C.be_silent()
	name, mode := C.CString(path), C.CString("rm") // m: not mapped into memory, which is limited
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(mode))
	t := C.TIFFOpen(name, mode)
	if t == nil {
		return refuse(service.ReasonFileBroken, "libtiff cannot open it")
	}
	defer C.TIFFClose(t)
	for _, number := range numbers {
		if err := p.each(func() error {
			b, err := p.tiffPage(t, number)
			if err != nil {
				return err
			}
			return p.out(b)
		}); err != nil {
			return err
		}
	}
	return nil
}

// tiffPage reads one page and turns it.
func (p *pager) tiffPage(t *C.TIFF, number int) ([]byte, error) {
	broken := refuse(service.ReasonFileBroken, "libtiff cannot read it")
	if C.TIFFSetDirectory(t, C.tdir_t(number)) == 0 {
		return nil, broken
	}
	width, height := int(C.tag32(t, C.TIFFTAG_IMAGEWIDTH)), int(C.tag32(t, C.TIFFTAG_IMAGELENGTH))
	if err := isBearable(p.q, width, height); err != nil {
		return nil, err
	}
	turned := int(C.tag16(t, C.TIFFTAG_ORIENTATION))
	photometric, samples := C.tag16(t, C.TIFFTAG_PHOTOMETRIC), C.tag16(t, C.TIFFTAG_SAMPLESPERPIXEL)
	ratio := 1.0
	if x, y := float64(C.tagf(t, C.TIFFTAG_XRESOLUTION)), float64(C.tagf(t, C.TIFFTAG_YRESOLUTION)); x > 0 && y > 0 {
		ratio = x / y
	}
	C.as_it_lies(t)
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	// A pixel is red, green, blue, alpha from its lowest byte up, as Go has it on
	// machines that write the lowest byte first.
	if C.TIFFReadRGBAImageOriented(t, C.uint32_t(width), C.uint32_t(height), (*C.uint32_t)(unsafe.Pointer(&img.Pix[0])), C.ORIENTATION_TOPLEFT, 1) == 0 {
		return nil, broken
	}
	isGray := samples == 1 && photometric <= C.PHOTOMETRIC_MINISBLACK
	b, err := p.tool.encodeRGBA(flat(squared(img, ratio, p.q.Pixels)), isGray)
	if err != nil {
		return nil, err
	}
	return p.tool.turn(b, turned)
}

// squared makes the pixels of a fax as long as they are wide: ratio is how many
// stand on a length across for each down. Nothing grows beyond most pixels.
func squared(img *image.RGBA, ratio float64, most int64) *image.RGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	switch {
	case ratio > 1.02 && ratio < 4:
		h = int(float64(h) * ratio)
	case ratio < 0.98 && ratio > 0.25:
		w = int(float64(w) / ratio)
	default:
		return img
	}
	if w > maxSide || h > maxSide || int64(w)*int64(h) > most {
		return img
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.ApproxBiLinear.Scale(out, out.Rect, img, img.Rect, draw.Src, nil)
	return out
}
