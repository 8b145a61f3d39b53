package foreign

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"os"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"flowbot/service"
	"flowbot/templates"
)

// Measures of a contact sheet in pixels.
const (
	sheetSide   = 2000 // at most, either side
	gap         = 16   // between pictures and around them
	captionSize = 24   // of the letters
	captionLine = 40   // under a picture
	minCell     = 40   // no picture gets smaller
)

// defaultPages is how many first pages of a PDF are shown: the beginning of a
// journal tells whose it is.
const defaultPages = 4

// maxCells is the number of pictures on one sheet: 20 screenshots and the pages
// of a journal, with room to spare.
const maxCells = 100

var (
	ground = color.RGBA{0xee, 0xee, 0xee, 0xff}
	edge   = color.RGBA{0xbb, 0xbb, 0xbb, 0xff}
	ink    = color.RGBA{0x22, 0x22, 0x22, 0xff}
)

// cell is one picture of the sheet, already small.
type cell struct {
	img     image.Image
	caption string
}

// contactSheet draws all items into outFile.
func contactSheet(ctx context.Context, q question) error {
	cells, err := contactCells(ctx, q)
	if err != nil {
		return err
	}
	face, err := captionFace()
	if err != nil {
		return err
	}
	sizes := make([]image.Point, len(cells))
	for i, c := range cells {
		sizes[i] = c.img.Bounds().Size()
	}
	g := arrange(sizes)
	sheet := image.NewRGBA(image.Rectangle{Max: g.size()})
	draw.Draw(sheet, sheet.Bounds(), image.NewUniform(ground), image.Point{}, draw.Src)
	for i, c := range cells {
		box := g.box(i)
		small := fit(sizes[i], box.Size())
		// In the middle, and down on its caption.
		at := image.Pt(box.Min.X+(box.Dx()-small.X)/2, box.Max.Y-small.Y)
		frame := image.Rectangle{Max: small}.Add(at)
		draw.Draw(sheet, frame.Inset(-1), image.NewUniform(edge), image.Point{}, draw.Src)
		draw.Draw(sheet, frame, image.NewUniform(color.White), image.Point{}, draw.Src)
		draw.BiLinear.Scale(sheet, frame, c.img, c.img.Bounds(), draw.Over, nil)
		write := font.Drawer{Dst: sheet, Src: image.NewUniform(ink), Face: face}
		text, width := shorten(&write, c.caption, box.Dx())
		write.Dot = fixed.Point26_6{
			X: fixed.I(box.Min.X) + (fixed.I(box.Dx())-width)/2,
			Y: fixed.I(box.Max.Y + captionLine*3/4),
		}
		write.DrawString(text)
	}
	return writeJPEG(sheet)
}

func writeJPEG(img image.Image) error {
	return write(func(w io.Writer) error { return jpeg.Encode(w, img, &jpeg.Options{Quality: 85}) })
}

// contactCells reads the items, each picture made small at once so that never
// more than one large one is in memory.
func contactCells(ctx context.Context, q question) ([]cell, error) {
	// Two pictures may fill the sheet, more cannot be larger than half of it.
	side := sheetSide
	if len(q.Items) > 2 {
		side /= 2
	}
	var cells []cell
	for i, it := range q.Items {
		more, err := itemCells(ctx, q, i, side)
		if v := (*verdict)(nil); errors.As(err, &v) {
			named := *v
			named.Item = i
			return nil, &named
		}
		if err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
		for n, c := range more {
			c.caption = it.Caption
			if len(more) > 1 {
				c.caption = fmt.Sprintf("%s · %d", it.Caption, n+1)
			}
			cells = append(cells, c)
		}
		if len(cells) > maxCells {
			return nil, fmt.Errorf("more than %d pictures on one sheet", maxCells)
		}
	}
	return cells, nil
}

func itemCells(ctx context.Context, q question, i, side int) ([]cell, error) {
	it := q.Items[i]
	f, beginning, _, err := head(it.Path)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	if sniff(beginning) != typePDF {
		img, _, err := readImage(q, it.Path)
		if err != nil {
			return nil, err
		}
		return []cell{{img: smaller(img, side)}}, nil
	}
	pages := it.Pages
	if pages <= 0 {
		pages = defaultPages
	}
	if _, _, err := pageCount(ctx, it.Path); err != nil {
		return nil, err
	}
	files, _, err := drawPages(ctx, it.Path, fmt.Sprintf("item%d", i), 1, min(pages, maxCells), side, true)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, refuse(service.ReasonFileBroken, "no page can be drawn")
	}
	var cells []cell
	for _, file := range files {
		img, err := readPage(file)
		if err != nil {
			return nil, err
		}
		cells = append(cells, cell{img: img})
	}
	return cells, nil
}

func readPage(file string) (img image.Image, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return png.Decode(f)
}

// smaller returns the picture with its longer side at most so many pixels.
func smaller(img image.Image, side int) image.Image {
	size := img.Bounds().Size()
	if max(size.X, size.Y) <= side {
		return img
	}
	// Halving looks at four pixels for each new one and costs a fraction of the
	// exact filter, which then has little left to do.
	for max(size.X, size.Y) >= 4*side && min(size.X, size.Y) >= 2 {
		size = size.Div(2)
		img = scaled(draw.ApproxBiLinear, img, size)
	}
	return scaled(draw.BiLinear, img, fit(size, image.Pt(side, side)))
}

// scaled draws a picture in another size, on white.
func scaled(how draw.Interpolator, img image.Image, size image.Point) image.Image {
	out := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	how.Scale(out, out.Bounds(), img, img.Bounds(), draw.Over, nil)
	return out
}

// fit returns the largest size of the same shape inside a box, never larger
// than the picture is and at least a pixel each way.
func fit(size, box image.Point) image.Point {
	scale := min(1, float64(box.X)/float64(size.X), float64(box.Y)/float64(size.Y))
	return image.Pt(max(1, int(float64(size.X)*scale)), max(1, int(float64(size.Y)*scale)))
}

// grid is how pictures stand on a sheet: columns of one width, rows each as
// high as its highest picture.
type grid struct {
	columns int
	width   int   // of a column
	rows    []int // heights, without the captions
}

// box is where the picture i may stand.
func (g grid) box(i int) image.Rectangle {
	x, y := gap+i%g.columns*(g.width+gap), gap
	for _, height := range g.rows[:i/g.columns] {
		y += height + captionLine + gap
	}
	return image.Rect(x, y, x+g.width, y+g.rows[i/g.columns])
}

func (g grid) size() image.Point {
	last := g.box(len(g.rows)*g.columns - 1).Max
	return last.Add(image.Pt(gap, captionLine+gap))
}

// arrange picks the number of columns with which the pictures come out
// largest.
func arrange(sizes []image.Point) grid {
	var best grid
	bestArea := -1.0
	for columns := 1; columns <= len(sizes); columns++ {
		g, area := arrangeIn(columns, sizes)
		if area > bestArea {
			best, bestArea = g, area
		}
	}
	return best
}

// arrangeIn puts pictures into so many columns and returns the sum of their
// mean sides: the root keeps one large picture from deciding for many small.
func arrangeIn(columns int, sizes []image.Point) (grid, float64) {
	width := max((sheetSide-gap)/columns-gap, minCell)
	// The highest rows that the sheet has room for.
	for height := sheetSide - 2*gap - captionLine; ; height = max(height*19/20, minCell) {
		g := grid{columns: columns}
		area := 0.0
		for i, s := range sizes {
			small := fit(s, image.Pt(width, height))
			area += math.Sqrt(float64(small.X) * float64(small.Y))
			if i%columns == 0 {
				g.rows = append(g.rows, minCell)
			}
			g.rows[len(g.rows)-1] = max(g.rows[len(g.rows)-1], small.Y)
			g.width = max(g.width, small.X, minCell)
		}
		if g.size().Y <= sheetSide || height == minCell {
			return g, area
		}
	}
}

func captionFace() (font.Face, error) {
	b, err := templates.Font(templates.FontSans)
	if err != nil {
		return nil, err
	}
	f, err := opentype.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("parse font: %w", err)
	}
	return opentype.NewFace(f, &opentype.FaceOptions{Size: captionSize, DPI: 72, Hinting: font.HintingFull})
}

// shorten cuts a caption from its middle until it fits: the end has the number
// of the page.
func shorten(d *font.Drawer, text string, width int) (string, fixed.Int26_6) {
	w := d.MeasureString(text)
	letters := []rune(text)
	for cut := 1; w > fixed.I(width) && cut < len(letters); cut++ {
		keep := len(letters) - cut
		tail := keep / 3
		text = string(letters[:keep-tail]) + "…" + string(letters[len(letters)-tail:])
		w = d.MeasureString(text)
	}
	return text, w
}
