package ocr

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"strconv"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"flowbot/service"
	"flowbot/templates"
)

// MostThumbs is how many pages one picture of a batch shows at most.
const MostThumbs = 100

// Measures of the picture of a batch, in pixels.
const (
	batchSide    = 2560 // at most, either side: what Telegram keeps of a photo
	batchGap     = 8    // around each page
	batchEdge    = 9    // of the border
	batchTab     = 40   // below the page, with its number
	batchLetters = 34   // height of the type there
)

// The colours of what is no mark: the sheet, and a page that cannot be shown.
var (
	paperColour = color.RGBA{0xff, 0xff, 0xff, 0xff}
	voidColour  = color.RGBA{0xe4, 0xe4, 0xe4, 0xff}
)

// looks is how a mark looks: the colour of the border, that of the number on it,
// and the sign after the number, for those who do not tell the colours apart.
func looks(m service.PageMark) (border, number color.RGBA, sign string) {
	switch m {
	case service.MarkMatched:
		return color.RGBA{0x1f, 0x8a, 0x3b, 0xff}, color.RGBA{0xff, 0xff, 0xff, 0xff}, ""
	case service.MarkQuestion:
		return color.RGBA{0xff, 0xb3, 0x00, 0xff}, color.RGBA{0x22, 0x22, 0x22, 0xff}, " ?"
	case service.MarkAside:
	}
	return color.RGBA{0x9a, 0x9a, 0x9a, 0xff}, color.RGBA{0x22, 0x22, 0x22, 0xff}, " –"
}

// Sheet draws the pages of a batch, at most MostThumbs, as a JPEG of at most 2560
// pixels a side: each with a border in green, amber or gray and its number. It is
// safe for concurrent use.
func Sheet(thumbs []service.PageThumb) ([]byte, error) {
	if len(thumbs) == 0 || len(thumbs) > MostThumbs {
		return nil, fmt.Errorf("a picture of %d pages", len(thumbs))
	}
	g := gridOf(len(thumbs))
	face, err := numberFace(float64(batchLetters) * g.scale)
	if err != nil {
		return nil, err
	}
	sheet := image.NewRGBA(image.Rect(0, 0, g.columns*g.width+batchGap, g.rows*g.height+batchGap))
	draw.Draw(sheet, sheet.Rect, image.NewUniform(paperColour), image.Point{}, draw.Src)
	for i := range thumbs {
		at := image.Pt(batchGap+i%g.columns*g.width, batchGap+i/g.columns*g.height)
		drawThumb(sheet, image.Rectangle{Min: at, Max: at.Add(image.Pt(g.width-batchGap, g.height-batchGap))}, &thumbs[i], face, g.scale)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, sheet, &jpeg.Options{Quality: 80}); err != nil {
		return nil, fmt.Errorf("draw a batch: %w", err)
	}
	return b.Bytes(), nil
}

// batchGrid is how pages stand on the picture of a batch.
type batchGrid struct {
	columns, rows int
	width, height int // of a page with its border, number and gap
	scale         float64
}

// gridOf finds the columns with which n pages come out largest, and of those the
// most even sheet.
func gridOf(n int) batchGrid {
	const wide, high = thumbSide + 2*batchEdge, thumbSide*3/4 + batchEdge + batchTab
	var best batchGrid
	uneven := math.Inf(1)
	for columns := 1; columns <= n; columns++ {
		rows := (n + columns - 1) / columns
		scale := math.Min(1, math.Min(float64(batchSide-batchGap-columns*batchGap)/float64(columns*wide),
			float64(batchSide-batchGap-rows*batchGap)/float64(rows*high)))
		g := batchGrid{columns, rows, int(wide*scale) + batchGap, int(high*scale) + batchGap, scale}
		off := math.Abs(math.Log(float64(columns*g.width) / float64(rows*g.height)))
		if scale > best.scale+.01 || scale > best.scale-.01 && off < uneven {
			best, uneven = g, off
		}
	}
	return best
}

// drawThumb draws one page into its cell.
func drawThumb(sheet *image.RGBA, cell image.Rectangle, t *service.PageThumb, face font.Face, scale float64) {
	border, number, sign := looks(t.Mark)
	draw.Draw(sheet, cell, image.NewUniform(border), image.Point{}, draw.Src)
	edge, tab := int(batchEdge*scale), int(batchTab*scale)
	inside := image.Rect(cell.Min.X+edge, cell.Min.Y+edge, cell.Max.X-edge, cell.Max.Y-tab)
	draw.Draw(sheet, inside, image.NewUniform(voidColour), image.Point{}, draw.Src)
	if img, err := decodeThumb(t.JPEG); err == nil {
		size := img.Bounds().Size()
		k := math.Min(float64(inside.Dx())/float64(size.X), float64(inside.Dy())/float64(size.Y))
		w, h := max(1, int(float64(size.X)*k)), max(1, int(float64(size.Y)*k))
		at := image.Pt(inside.Min.X+(inside.Dx()-w)/2, inside.Min.Y+(inside.Dy()-h)/2)
		draw.ApproxBiLinear.Scale(sheet, image.Rectangle{Min: at, Max: at.Add(image.Pt(w, h))}, img, img.Bounds(), draw.Src, nil)
	}
	if t.Mark == service.MarkAside { // it steps back behind the others
		draw.Draw(sheet, inside, image.NewUniform(color.RGBA{0x90, 0x90, 0x90, 0x90}), image.Point{}, draw.Over)
	}
	write := font.Drawer{Dst: sheet, Src: image.NewUniform(number), Face: face}
	text := strconv.Itoa(t.Number) + sign
	write.Dot = fixed.Point26_6{
		X: fixed.I(cell.Min.X) + (fixed.I(cell.Dx())-write.MeasureString(text))/2,
		Y: fixed.I(cell.Max.Y - tab/4),
	}
	write.DrawString(text)
}

// mostThumb is how long a side of a page's small picture may be, in pixels: those
// that Thumb draws are smaller by far.
const mostThumb = 1024

// decodeThumb decodes a page's small picture.
func decodeThumb(data []byte) (image.Image, error) {
	c, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("decode a small page: %w", err)
	}
	if c.Width < 1 || c.Height < 1 || max(c.Width, c.Height) > mostThumb {
		return nil, fmt.Errorf("a small page of %d × %d", c.Width, c.Height)
	}
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("decode a small page: %w", err)
	}
	return img, nil
}

// numberFace is the type of the numbers, its size in pixels.
func numberFace(size float64) (font.Face, error) {
	data, err := templates.Font(templates.FontSans)
	if err != nil {
		return nil, err
	}
	f, err := opentype.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("parse font: %w", err)
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, fmt.Errorf("open face: %w", err)
	}
	return face, nil
}
