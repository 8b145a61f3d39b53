package drawn

import (
	"bufio"
	"context"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"flowbot/service"
)

// Page is one page of a corpus with what is true of it.
type Page struct {
	Scan

	ApplicationID int64  // whose certificate it is; 0: nobody's on the list
	Kind          string // good, foreign, duplicate, blotted (a digit of the number is hidden), empty, letter
	Number        string // registration number on it, "" for none
	BlankNumber   string // "" for none
	Hits          []string
}

// Corpus is a batch of pages and the closed list of the exam that they belong to.
type Corpus struct {
	Profile      service.BlankProfile
	Form         service.CertificateForm // of the list
	Certificates []service.PrintedCertificate
	Pages        []Page
}

// Press prints: the project's own printer.
type Press interface {
	Certificates(ctx context.Context, f service.CertificateForm) ([]byte, error)
	CertificateLines(ctx context.Context, f service.CertificateForm) ([][]service.PrintedLine, error)
}

// Order says what a corpus holds besides one good page for each application.
type Order struct {
	Applications int
	Severity     Severity
	Symbology    Symbology
	Foreign      int // pages of another exam: of somebody on this list, the number one digit off
	Duplicates   int
	Empty        int
	Letters      int
	Dir          string // for what is drawn on the way
}

// Parts of invented names. Relatives share last names, namesakes all of it.
var (
	lastNames  = [][2]string{{"Каримов", "KARIMOV"}, {"Рахимов", "RAKHIMOV"}, {"Юсупов", "YUSUPOV"}, {"Назаров", "NAZAROV"}, {"Ибрагимов", "IBRAGIMOV"}, {"Турсунов", "TURSUNOV"}, {"Абдуллаев", "ABDULLAEV"}, {"Сафаров", "SAFAROV"}, {"Холматов", "KHOLMATOV"}, {"Мирзоев", "MIRZOEV"}, {"Саидов", "SAIDOV"}, {"Ли", "LI"}, {"Нгуен", "NGUYEN"}, {"Эргашев", "ERGASHEV"}, {"Джураев", "DZHURAEV"}}
	firstNames = [][2]string{{"Алишер", "ALISHER"}, {"Фаррух", "FARRUKH"}, {"Бахром", "BAKHROM"}, {"Шерзод", "SHERZOD"}, {"Дилшод", "DILSHOD"}, {"Санжар", "SANZHAR"}, {"Тимур", "TIMUR"}, {"Ёкуб", "YOKUB"}, {"Хасан", "KHASAN"}, {"Хусан", "KHUSAN"}, {"Анвар", "ANVAR"}}
	patronyms  = [][2]string{{"Рустамович", "RUSTAMOVICH"}, {"Ахмедович", "AKHMEDOVICH"}, {"Хамидович", "KHAMIDOVICH"}, {"Исмоилович", "ISMOILOVICH"}, {"Шарифович", "SHARIFOVICH"}, {"", ""}}
)

// people invents the certificates of one exam: consecutive numbers, relatives side
// by side, and now and then a namesake.
func people(r *rand.Rand, n int) []service.Certificate {
	issued := service.NewDay(2026, 2, 1+r.IntN(27))
	series, first := 10000+r.IntN(89999), 1+r.IntN(900000)
	var out []service.Certificate
	for i := range n {
		c := service.Certificate{
			Application: strconv.Itoa(i + 1), Level: service.Levels[r.IntN(len(service.Levels))], IssuedOn: issued,
			Institution: "Центром тестирования «Выдуманный мост»", Address: "г. Образцовск, ул. Примерная, д. 5",
			SignatoryPosition: "Директор", SignatoryName: "О. О. Образцова",
			RegistrationNumber: fmt.Sprintf("24-10-%05d-%06d-%d", series, first+i, r.IntN(10)),
		}
		c.ValidUntil = c.Level.ValidUntil(issued)
		last, given, patronym := lastNames[r.IntN(len(lastNames))], firstNames[r.IntN(len(firstNames))], patronyms[r.IntN(len(patronyms))]
		switch {
		case i > 0 && i%9 == 0: // a namesake
			c.Name, c.NameLatin = out[i-1].Name, out[i-1].NameLatin
		case i > 0 && i%5 == 0: // a relative
			words, latin := strings.Fields(out[i-1].Name), strings.Fields(out[i-1].NameLatin)
			c.Name = strings.TrimSpace(words[0] + " " + given[0] + " " + patronym[0])
			c.NameLatin = strings.TrimSpace(latin[0] + " " + given[1] + " " + patronym[1])
		default:
			c.Name = strings.TrimSpace(last[0] + " " + given[0] + " " + patronym[0])
			c.NameLatin = strings.TrimSpace(last[1] + " " + given[1] + " " + patronym[1])
		}
		out = append(out, c)
	}
	return out
}

// Draw makes a corpus. The same seed makes the same one.
func Draw(ctx context.Context, press Press, profile service.BlankProfile, seed uint64, o Order) (*Corpus, error) {
	r := rand.New(rand.NewPCG(seed, 77)) //nolint:gosec // nothing secret is drawn
	blank, err := NewBlank(profile)
	if err != nil {
		return nil, err
	}
	c := &Corpus{Profile: profile}
	c.Form = service.CertificateForm{Exam: "1", Date: service.NewDay(2026, 2, 1), Profile: profile, Certificates: people(r, o.Applications)}
	lines, err := press.CertificateLines(ctx, c.Form)
	if err != nil {
		return nil, fmt.Errorf("lines of a corpus: %w", err)
	}
	for i := range lines {
		c.Certificates = append(c.Certificates, service.PrintedCertificate{ApplicationID: int64(i + 1), Lines: lines[i]})
	}
	sheets := c.sheets(r, o)
	printed, err := c.print(ctx, press, sheets, o.Dir)
	if err != nil {
		return nil, err
	}
	for i := range sheets {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("draw a corpus: %w", err)
		}
		ink, err := readGray(printed[i])
		if err != nil {
			return nil, err
		}
		if err := os.Remove(printed[i]); err != nil {
			return nil, fmt.Errorf("draw a corpus: %w", err)
		}
		if err := c.scan(r, blank, &sheets[i], ink, o); err != nil {
			return nil, err
		}
	}
	for range o.Empty {
		data, err := Empty(r, r.IntN(2) == 0)
		if err != nil {
			return nil, err
		}
		c.Pages = append(c.Pages, Page{Scan: Scan{JPEG: data}, Kind: "empty"})
	}
	for range o.Letters {
		data, err := blank.Letter(r)
		if err != nil {
			return nil, err
		}
		c.Pages = append(c.Pages, Page{Scan: Scan{JPEG: data}, Kind: "letter"})
	}
	r.Shuffle(len(c.Pages), func(i, j int) { c.Pages[i], c.Pages[j] = c.Pages[j], c.Pages[i] })
	return c, nil
}

// printed is a certificate that is to be printed and scanned.
type printed struct {
	certificate service.Certificate
	page        Page
}

// sheets lists what is printed.
func (c *Corpus) sheets(r *rand.Rand, o Order) []printed {
	var out []printed
	for i, certificate := range c.Form.Certificates {
		out = append(out, printed{certificate, Page{ApplicationID: int64(i + 1), Kind: "good", Number: certificate.RegistrationNumber}})
	}
	taken := map[string]bool{}
	for _, p := range out {
		taken[p.certificate.RegistrationNumber] = true
	}
	for range o.Foreign { // the same person at another exam, whose number differs in one digit
		other := c.Form.Certificates[r.IntN(len(c.Form.Certificates))]
		for taken[other.RegistrationNumber] {
			digits := []byte(other.RegistrationNumber)
			k := r.IntN(len(digits))
			if digits[k] != '-' {
				digits[k] = '0' + (digits[k]-'0'+byte(1+r.UintN(9)))%10 //nolint:gosec // 1 to 9
			}
			other.RegistrationNumber = string(digits)
		}
		taken[other.RegistrationNumber] = true
		out = append(out, printed{other, Page{Kind: "foreign", Number: other.RegistrationNumber}})
	}
	for range o.Duplicates {
		p := out[r.IntN(len(c.Form.Certificates))]
		p.page.Kind = "duplicate"
		out = append(out, p)
	}
	return out
}

// print draws the sheets with the project's printer and turns them into pictures,
// whose files it lists.
func (c *Corpus) print(ctx context.Context, press Press, sheets []printed, dir string) ([]string, error) {
	form := c.Form
	form.Certificates = nil
	for _, s := range sheets {
		form.Certificates = append(form.Certificates, s.certificate)
	}
	data, err := press.Certificates(ctx, form)
	if err != nil {
		return nil, fmt.Errorf("print a corpus: %w", err)
	}
	file := filepath.Join(dir, "print.pdf")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return nil, fmt.Errorf("print a corpus: %w", err)
	}
	out, err := exec.CommandContext(ctx, "pdftoppm", "-r", strconv.Itoa(dpi), "-gray", file, filepath.Join(dir, "print")).CombinedOutput() //nolint:gosec // paths of our own
	if err != nil {
		return nil, fmt.Errorf("draw print: %w: %s", err, out)
	}
	names, err := filepath.Glob(filepath.Join(dir, "print-*.pgm"))
	if err != nil || len(names) != len(sheets) {
		return nil, fmt.Errorf("print of %d pages, want %d: %w", len(names), len(sheets), err)
	}
	slices.Sort(names)
	return names, nil
}

// readGray reads a picture in the binary form of PGM.
func readGray(name string) (*image.Gray, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read print: %w", err)
	}
	defer f.Close()
	in := bufio.NewReader(f)
	var w, h, most int
	if _, err := fmt.Fscanf(in, "P5\n%d %d\n%d\n", &w, &h, &most); err != nil || most != 255 {
		return nil, fmt.Errorf("read print: no PGM of 255 levels: %w", err)
	}
	g := image.NewGray(image.Rect(0, 0, w, h))
	if _, err := io.ReadFull(in, g.Pix); err != nil {
		return nil, fmt.Errorf("read print: %w", err)
	}
	return g, nil
}

// scan puts a printed sheet on its blank, handles it as people do, and scans it.
func (c *Corpus) scan(r *rand.Rand, blank *Blank, s *printed, ink *image.Gray, o Order) error {
	v := &o.Severity
	number := fmt.Sprintf("%0*d", c.Profile.Digits, r.Int64N(pow10(min(c.Profile.Digits, 18))))
	sheet, err := blank.Numbered("АБ", number, o.Symbology)
	if err != nil {
		return err
	}
	page := s.page
	page.BlankNumber = number
	right, down := v.Misprint.draw(r), v.Misprint.draw(r)
	sheet.Print(ink, right, down, v.Faded.draw(r))
	seal := func(region service.Region, share float64, hit string) {
		box, ok := c.Profile.Region(region)
		if !ok || r.Float64() >= share {
			return
		}
		page.Hits = append(page.Hits, hit)
		sheet.Stamp(r, box.X+box.Width*r.Float64(), box.Y+box.Height/2+8*(r.Float64()-.5))
	}
	sheet.Stamp(r, c.Profile.Sheet.Width*.86, c.Profile.Sheet.Height*.87)
	sheet.Sign(r, c.Profile.Sheet.Width*.66, c.Profile.Sheet.Height*.82)
	seal(service.RegionRegistrationNumber, v.StampNumber, "stamp on number")
	seal(service.RegionName, v.StampName, "stamp on name")
	if box, ok := c.Profile.Region(service.RegionRegistrationNumber); ok {
		if r.Float64() < v.SignNumber {
			page.Hits = append(page.Hits, "signature on number")
			sheet.Sign(r, box.X+box.Width*r.Float64(), box.Y+box.Height/2)
		}
		if page.Kind == "good" && r.Float64() < v.Blotted {
			page.Kind = "blotted"
			sheet.Blot(r, box)
		}
	}
	hidden, err := c.hidden(blank, sheet, right, down)
	if err != nil {
		return err
	}
	if page.Kind == "good" && hidden {
		page.Kind = "blotted"
	}
	scan, err := v.Scan(r, sheet)
	if err != nil {
		return err
	}
	page.Scan = *scan
	c.Pages = append(c.Pages, page)
	return nil
}

// hidden tells whether nobody could read a digit of the sheet's number.
func (c *Corpus) hidden(blank *Blank, s *Sheet, right, down float64) (bool, error) {
	for _, line := range c.Certificates[0].Of(service.FieldRegistrationNumber) {
		cells, err := blank.Cells(line, right, down)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(cells, s.Hidden) {
			return true, nil
		}
	}
	return false, nil
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}
