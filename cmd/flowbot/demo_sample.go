package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"flowbot/service"
)

// samplePerson is somebody invented, with a phone on the demo's page.
type samplePerson struct {
	telegram int64
	phone    string // its label
	name     string
	role     service.Role // "" is nobody whom the bot knows
	org      string       // key of sampleOrgs

	// Of candidates.
	language     string // of their Telegram; "" is the staff's
	number       string // of the telephone
	applications []string
}

var samplePeople = []samplePerson{
	{telegram: 107, phone: "Центр", name: "Крылова Елена Сергеевна", role: service.RoleCenterStaff, org: "мост"},
	{telegram: 108, phone: "Центр 2", name: "Зимин Артём Олегович", role: service.RoleCenterStaff, org: "мост"},
	{
		telegram: 109, phone: "Сдающий", role: service.RoleCandidate, language: "uz", number: sampleLinked.phone,
		applications: []string{"310-01", sampleScanned + "-01", "316-01"},
	},
	{telegram: 110, phone: "Сдающий 2", language: "tg", number: sampleUnlinked.phone},
	{telegram: 101, phone: "Партнёр", name: "Белова Анна Сергеевна", role: service.RolePartnerRep, org: "ступени"},
	{telegram: 102, phone: "Оператор 1", name: "Орлова Мария Викторовна", role: service.RoleOperatorRep, org: "оператор"},
	{telegram: 103, phone: "Оператор 2", name: "Ветров Олег Андреевич", role: service.RoleOperatorRep, org: "оператор"},
	{telegram: 104, phone: "Администратор", name: "Соколов Игорь Петрович", role: service.RoleAdmin},
	{telegram: 105, phone: "Партнёр 2", name: "Громов Павел Ильич", role: service.RolePartnerRep, org: "меридиан"},
	{telegram: 106, phone: "Посторонний"},
}

// sampleOrgs are the invented organisations, by a key; sampleOrgOrder is the
// order in which they are entered.
var sampleOrgs = map[string]service.NewOrg{
	"ступени":  {Kind: service.OrgPartner, Name: "Академия «Ступени»"},
	"меридиан": {Kind: service.OrgPartner, Name: "Учебный центр «Меридиан»", Zone: "Asia/Yekaterinburg"},
	"оператор": {Kind: service.OrgOperator, Name: "Федеральный оператор (демонстрация)"},
	"мост":     {Kind: service.OrgCenter, Name: "Центр тестирования «Мост»"},
}

var sampleOrgOrder = []string{"ступени", "меридиан", "оператор", "мост"}

// sampleCohort is an invented cohort. Days count from today.
type sampleCohort struct {
	number   string
	org      string
	program  string
	start    int
	end      int
	before25 bool // instead of the days above: ended in November 2024
	learners int
	bare     int // of them, the last ones have no document yet
	// generated and submitted are when its act was made and sent; 0: not.
	generated int
	submitted int
}

var sampleCohorts = []sampleCohort{
	{number: "118", org: "ступени", program: "Цифровые технологии в образовании", start: -40, end: -7, learners: 14, bare: 2},
	{number: "119", org: "ступени", program: "Управление проектами в государственном секторе", start: -70, end: -12, learners: 300},
	{number: "120", org: "ступени", program: "Основы анализа данных", start: -20, end: 25, learners: 8, bare: 8},
	{number: "97", org: "ступени", program: "Охрана труда", before25: true, learners: 9},
	{number: "116", org: "ступени", program: "Бухгалтерский учёт: практический курс", start: -50, end: -15, learners: 6, generated: -5},
	{number: "112", org: "ступени", program: "Педагогика дополнительного образования", start: -120, end: -60, learners: 7, generated: -45, submitted: -45},
	{number: "204", org: "меридиан", program: "Логистика и управление запасами", start: -45, end: -9, learners: 10, generated: -2, submitted: -2},
}

// Parts of invented names.
var (
	sampleLast   = []string{"Алексеев", "Богданов", "Васильев", "Голубев", "Дмитриев", "Егоров", "Жуков", "Зайцев", "Ильин", "Крылов", "Лебедев", "Медведев", "Никитин", "Осипов", "Поляков", "Рябов", "Семёнов", "Тихонов", "Уваров", "Фомин"}
	sampleMen    = [][2]string{{"Артём", "Игоревич"}, {"Борис", "Львович"}, {"Виктор", "Андреевич"}, {"Денис", "Олегович"}, {"Кирилл", "Павлович"}}
	sampleWomen  = [][2]string{{"Алёна", "Игоревна"}, {"Вера", "Львовна"}, {"Дарья", "Андреевна"}, {"Ксения", "Олеговна"}, {"Полина", "Павловна"}}
	sampleHeader = []string{
		"Номер потока", "Номер заявки", "Фамилия", "Имя", "Отчество", "Дата рождения", "Завершил успешно", "Тип документа",
		"Серия бланка", "Номер бланка", "Регистрационный номер", "Дата документа", "Дата направления", "Внесено в ФИС ФРДО",
	}
	sampleCohortHeader = []string{
		"Номер потока", "Программа", "Вид программы", "Часов", "Образовательный партнёр", "Дата начала", "Дата окончания",
	}
)

// days are the cohort's first and last day.
func (c *sampleCohort) days(today service.Day) (start, end service.Day) {
	if c.before25 {
		return service.NewDay(2024, time.October, 14), service.NewDay(2024, time.November, 29)
	}
	return today.AddDays(c.start), today.AddDays(c.end)
}

// row is the cohort's row of the import.
func (c *sampleCohort) row(today service.Day) []string {
	start, end := c.days(today)
	return []string{
		c.number, c.program, "Повышение квалификации", "72", sampleOrgs[c.org].Name, start.Russian(), end.Russian(),
	}
}

// rows are the rows of the cohort's learners.
func (c *sampleCohort) rows(today service.Day) [][]string {
	_, end := c.days(today)
	var out [][]string
	for n := 1; n <= c.learners; n++ {
		// Twenty last names, each with five first names, each with five patronymics:
		// the first 500 are different people.
		last, given := sampleLast[n*7%len(sampleLast)], sampleMen
		if n%2 == 1 {
			last, given = last+"а", sampleWomen
		}
		first := n/2 + n/20
		row := []string{
			c.number, fmt.Sprintf("%s-%04d", c.number, n), last, given[first%len(given)][0], given[(first+n/100)%len(given)][1],
			service.NewDay(1970+n*3%30, time.Month(1+n%12), 1+n%28).Russian(),
		}
		if n > c.learners-c.bare {
			row = append(row, "Нет")
		} else {
			row = append(row, "Да", "1", "ПК", fmt.Sprintf("%s%04d", c.number, n), fmt.Sprintf("%s/%d", c.number, n),
				end.Russian(), end.AddDays(1).Russian(), "Да")
		}
		out = append(out, row)
	}
	return out
}

// sampleBook gives the import invented rows in the place of a file.
type sampleBook struct {
	service.SheetBook
	sheets []service.Sheet
}

// Read implements service.SheetBook.
func (b sampleBook) Read(context.Context, string) ([]service.Sheet, error) { return b.sheets, nil }

func sampleSheet(name string, header []string, rows [][]string) service.Sheet {
	s := service.Sheet{Name: name, Rows: []service.SheetRow{{Number: 1, Cells: header}}}
	for n, row := range rows {
		s.Rows = append(s.Rows, service.SheetRow{Number: n + 2, Cells: row})
	}
	return s
}

// sampleZones are where the invented organisations may live, the default first.
// Some of them has day at any hour.
var sampleZones = []string{service.DefaultZone, "Asia/Kamchatka", "Asia/Vladivostok", "Asia/Krasnoyarsk", "America/New_York"}

// sampleZone is the first of them in which it is day: at night the bot keeps
// news back till the morning, and a visitor would wait in vain.
func sampleZone(now time.Time) (*time.Location, error) {
	const from, till = 9, 19 // o'clock; two hours are left before the quiet ones
	var first *time.Location
	for _, name := range sampleZones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return nil, err
		}
		if hour := now.In(zone).Hour(); hour >= from && hour < till {
			return zone, nil
		}
		if first == nil {
			first = zone
		}
	}
	return first, nil
}

// makeSample fills an empty installation, through the use cases that people's
// deeds go through, and leaves files to send in dir.
func (i *installation) makeSample(ctx context.Context, dir string, now time.Time) error {
	zone, err := sampleZone(now)
	if err != nil {
		return err
	}
	today := service.DayOf(now, zone)
	s, err := i.wire(func() time.Time { return now }, nil)
	if err != nil {
		return err
	}
	actors, err := makeSamplePeople(ctx, s, zone.String())
	if err != nil {
		return err
	}
	if err := i.makeSampleCohorts(ctx, today, now); err != nil {
		return err
	}
	for k := range sampleCohorts {
		c := &sampleCohorts[k]
		if c.generated == 0 {
			continue
		}
		if err := i.makeSampleAct(ctx, c, today, zone, actors[c.org]); err != nil {
			return fmt.Errorf("cohort %s: %w", c.number, err)
		}
	}
	if err := i.makeSampleExams(ctx, today, zone, now, actors); err != nil {
		return err
	}
	if err := i.forgetAnswers(ctx); err != nil {
		return err
	}
	return writeSampleFiles(dir, today)
}

// forgetAnswers skips the answers to what the invented people did: they are old,
// and would bury the menu that a visitor begins with. News for others stay.
func (i *installation) forgetAnswers(ctx context.Context) error {
	var kept []service.NoticeBatch
	for {
		now := time.Now()
		batches, err := i.db.ClaimNotices(ctx, now, len(samplePeople), time.Minute)
		if err != nil {
			return err
		}
		if len(batches) == 0 {
			break
		}
		for _, b := range batches {
			if b.Lane != service.LaneAnswer {
				kept = append(kept, b)
				continue
			}
			if err := i.db.NoticesEnd(ctx, b, service.NoticeSkipped, now, 0, ""); err != nil {
				return err
			}
		}
	}
	for _, b := range kept {
		if err := i.db.NoticesLater(ctx, b, time.Now(), "", false); err != nil {
			return err
		}
	}
	return nil
}

// makeSamplePeople enters organisations and people, who come in by invitations.
// It returns the first person of each organisation. Candidates come later, by
// their applications.
func makeSamplePeople(ctx context.Context, s services, zone string) (map[string]service.Actor, error) {
	ids := map[string]int64{}
	for _, key := range sampleOrgOrder {
		in := sampleOrgs[key]
		if zone != service.DefaultZone {
			in.Zone = zone
		}
		o, err := s.people.AddOrg(ctx, service.CommandLine, in)
		if err != nil {
			return nil, err
		}
		ids[key] = o.ID
	}
	actors := map[string]service.Actor{}
	for _, p := range samplePeople {
		if p.role == "" || p.role == service.RoleCandidate {
			continue
		}
		token, _, err := s.people.Invite(ctx, service.CommandLine, service.Seat{Role: p.role, OrgID: ids[p.org]}, p.name)
		if err != nil {
			return nil, err
		}
		in, err := s.people.Accept(ctx, service.AcceptInput{TelegramID: p.telegram, Language: service.Languages[0], Token: token})
		if err != nil {
			return nil, err
		}
		if _, there := actors[p.org]; !there {
			actors[p.org] = in.Actor
		}
	}
	return actors, nil
}

func (i *installation) makeSampleCohorts(ctx context.Context, today service.Day, now time.Time) error {
	var cohorts, learners [][]string
	for k := range sampleCohorts {
		c := &sampleCohorts[k]
		cohorts = append(cohorts, c.row(today))
		learners = append(learners, c.rows(today)...)
	}
	return i.importSample(ctx, now, sampleSheet("Потоки", sampleCohortHeader, cohorts), sampleSheet("Слушатели", sampleHeader, learners))
}

// importSample imports invented sheets.
func (i *installation) importSample(ctx context.Context, now time.Time, sheets ...service.Sheet) error {
	known, err := importKnown()
	if err != nil {
		return err
	}
	report, err := service.NewImports(i.db, sampleBook{sheets: sheets}, known, func() time.Time { return now }).Import(ctx, service.CommandLine, "", false)
	if err != nil {
		return err
	}
	if report.Refused() {
		return fmt.Errorf("bad row %+v", report.Bad[0])
	}
	return nil
}

// sampleFiles are what an invented person sends: the reference is the index.
type sampleFiles [][]byte

// Fetch implements service.ChatFiles.
func (f sampleFiles) Fetch(_ context.Context, ref string, w io.Writer, _ int64) (int64, error) {
	n, err := strconv.Atoi(ref)
	if err != nil || n < 0 || n >= len(f) {
		return 0, errors.New("no such file")
	}
	written, err := w.Write(f[n])
	return int64(written), err
}

// makeSampleAct generates a cohort's act and, if it was, sends its package. The
// deeds are done with a clock that stands at their days, at noon.
func (i *installation) makeSampleAct(ctx context.Context, c *sampleCohort, today service.Day, zone *time.Location, by service.Actor) error {
	cohort, err := i.db.CohortByNumber(ctx, service.CommandLine, c.number)
	if err != nil {
		return err
	}
	at := func(days int) service.Clock {
		moment := today.AddDays(days).At(12, 0, zone)
		return func() time.Time { return moment }
	}
	s, err := i.wire(at(c.generated), nil)
	if err != nil {
		return err
	}
	act, err := s.acts.Generate(ctx, by, service.GenerateInput{CohortID: cohort.ID, Revision: cohort.Revision})
	if err != nil {
		return err
	}
	if err := s.acts.Print(ctx, service.PrintAct{ActID: act.ID, Version: act.Version}); err != nil {
		return err
	}
	if c.submitted == 0 {
		return nil
	}
	journal, err := sampleJournal(c, today)
	if err != nil {
		return err
	}
	screenshot, err := sampleScreenshot(c, today, 1)
	if err != nil {
		return err
	}
	if s, err = i.wire(at(c.submitted), sampleFiles{journal, screenshot}); err != nil {
		return err
	}
	for n, name := range []string{"Журнал " + c.number + ".pdf", "Скриншот ФИС ФРДО.png"} {
		f, err := s.journals.Receive(ctx, by, service.ReceiveInput{
			CohortID: cohort.ID, UpdateID: -cohort.ID*2 - int64(n), ChatRef: strconv.Itoa(n), Name: name,
		})
		if err != nil {
			return err
		}
		if err := s.journals.Check(ctx, service.CheckFile{DraftFileID: f.ID}); err != nil {
			return err
		}
	}
	_, err = s.acts.Submit(ctx, by, service.SubmitInput{CohortID: cohort.ID})
	return err
}
