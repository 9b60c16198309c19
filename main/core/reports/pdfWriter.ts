// The few things that a report in PDF is made of: headings, paragraphs, tables that go on over pages, dots with intervals. In
// DejaVu, which has Latin, Greek, Cyrillic, Hebrew, Arabic and mathematical signs; what it lacks shows as a box.
import { createRequire } from 'node:module';
import PDFDocument from 'pdfkit';
import type { Estimate } from '../../contract/domain/estimate.ts';

export type PdfColour = keyof typeof COLOURS;

const COLOURS = {
  ink: '#1b1a17',
  soft: '#625e54',
  line: '#d8d4c8',
  good: '#2b6a3c',
  bad: '#a8301a',
  before: '#6a5a9b',
  after: '#0f7173',
} as const;
const FONTS = { text: 'DejaVuSans', bold: 'DejaVuSans-Bold', mono: 'DejaVuSansMono' } as const;
const MARGIN = 46;
const BODY = 8.5;
const SMALL = 7.5;
const CELL_SPACE = 5;
/** A cell of a table is cut here: a page must be able to hold it. */
const LONGEST_CELL = 900;

export interface PdfColumn {
  readonly title: string;
  /** Shares of the width. */
  readonly width: number;
  readonly isNumber?: boolean;
  readonly isMono?: boolean;
}

export class PdfWriter {
  readonly #doc: PDFKit.PDFDocument;
  readonly #chunks: Buffer[] = [];
  readonly #ended: Promise<void>;

  /** @param created stands in the file: the same content at the same time gives the same bytes. */
  constructor(title: string, created: Date) {
    this.#doc = new PDFDocument({
      size: 'A4',
      margin: MARGIN,
      bufferPages: true,
      info: { Title: title, Creator: 'Errata', Producer: 'Errata', CreationDate: created, ModDate: created },
    });
    const { resolve } = createRequire(import.meta.url);
    for (const name of Object.values(FONTS)) this.#doc.registerFont(name, resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`));
    this.#doc.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    this.#ended = new Promise((done, failed) => {
      this.#doc.on('end', done);
      this.#doc.on('error', failed);
    });
  }

  get #width(): number {
    return this.#doc.page.width - 2 * MARGIN;
  }

  title(text: string): void {
    this.#doc
      .font(FONTS.bold)
      .fontSize(15)
      .fillColor(COLOURS.ink)
      .text(clean(text), MARGIN, this.#doc.y, { width: this.#width });
    this.#doc.moveDown(0.4);
  }

  heading(text: string): void {
    this.#need(70);
    const { y } = this.#doc;
    this.#doc
      .moveTo(MARGIN, y + 8)
      .lineTo(MARGIN + this.#width, y + 8)
      .lineWidth(0.5)
      .strokeColor(COLOURS.line)
      .stroke();
    this.#doc
      .font(FONTS.bold)
      .fontSize(11)
      .fillColor(COLOURS.ink)
      .text(clean(text), MARGIN, y + 14, { width: this.#width });
    this.#doc.moveDown(0.3);
  }

  paragraph(text: string, colour: PdfColour = 'ink'): void {
    this.#doc.font(FONTS.text).fontSize(BODY).fillColor(COLOURS[colour]);
    this.#doc.text(clean(text), MARGIN, this.#doc.y, { width: this.#width, lineGap: 1.5 });
    this.#doc.moveDown(0.4);
  }

  /** Names and values. */
  facts(facts: readonly (readonly [name: string, value: string])[]): void {
    for (const [name, value] of facts) {
      const { y } = this.#doc;
      this.#doc.font(FONTS.text).fontSize(BODY).fillColor(COLOURS.soft).text(clean(name), MARGIN, y, { width: 90 });
      const after = this.#doc.y;
      this.#doc.fillColor(COLOURS.ink).text(clean(value), MARGIN + 96, y, { width: this.#width - 96 });
      this.#doc.y = Math.max(after, this.#doc.y);
    }
    this.#doc.moveDown(0.5);
  }

  table(columns: readonly PdfColumn[], rows: readonly (readonly string[])[]): void {
    const total = columns.reduce((sum, { width }) => sum + width, 0);
    const widths = columns.map(({ width }) => (this.#width * width) / total);
    const lefts = widths.map((_, index) => MARGIN + widths.slice(0, index).reduce((sum, width) => sum + width, 0));
    const draw = (cells: readonly string[], isHead: boolean) => {
      const styled = columns.map(({ isMono, isNumber }, index) => ({
        text: shortened(clean(cells[index] ?? '')),
        font: isHead ? FONTS.bold : isMono === true ? FONTS.mono : FONTS.text,
        options: {
          width: (widths[index] ?? 0) - CELL_SPACE,
          align: isNumber === true ? ('right' as const) : ('left' as const),
        },
      }));
      const heights = styled.map(({ text, font, options }) =>
        this.#doc
          .font(font)
          .fontSize(SMALL)
          .heightOfString(text || ' ', options),
      );
      const height = Math.max(...heights) + 4;
      if (this.#need(height) && !isHead)
        draw(
          columns.map(({ title }) => title),
          true,
        );
      const { y } = this.#doc;
      for (const [index, { text, font, options }] of styled.entries()) {
        this.#doc
          .font(font)
          .fontSize(SMALL)
          .fillColor(isHead ? COLOURS.soft : COLOURS.ink);
        this.#doc.text(text, lefts[index] ?? MARGIN, y + 2, options);
      }
      this.#doc.y = y + height;
      this.#doc
        .moveTo(MARGIN, this.#doc.y)
        .lineTo(MARGIN + this.#width, this.#doc.y)
        .lineWidth(0.4)
        .strokeColor(COLOURS.line)
        .stroke();
    };
    this.#need(40);
    draw(
      columns.map(({ title }) => title),
      true,
    );
    for (const row of rows) draw(row, false);
    this.#doc.moveDown(0.8);
  }

  /** Dots with their 95% intervals between 0 and 1. */
  whiskers(
    rows: readonly {
      readonly label: string;
      readonly marks: readonly { readonly estimate: Estimate; readonly colour: PdfColour }[];
    }[],
    show: (value: number) => string,
  ): void {
    const rowHeight = 17;
    const [left, right] = [MARGIN + 170, MARGIN + this.#width - 20];
    const x = (value: number) => left + (right - left) * Math.min(Math.max(value, 0), 1);
    for (const { label, marks } of rows) {
      this.#need(rowHeight + 16);
      const { y } = this.#doc;
      this.#doc.font(FONTS.text).fontSize(SMALL).fillColor(COLOURS.ink);
      this.#doc.text(clean(label), MARGIN, y + 4, { width: 160, height: 10, ellipsis: true, align: 'right' });
      for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
        this.#doc
          .moveTo(x(tick), y)
          .lineTo(x(tick), y + rowHeight)
          .lineWidth(0.4)
          .strokeColor(COLOURS.line)
          .stroke();
      }
      for (const [index, { estimate, colour }] of marks.entries()) {
        const at = y + rowHeight / 2 + (index - (marks.length - 1) / 2) * 6;
        this.#doc
          .moveTo(x(estimate.low), at)
          .lineTo(x(estimate.high), at)
          .lineWidth(1.3)
          .strokeColor(COLOURS[colour])
          .stroke();
        this.#doc.circle(x(estimate.value), at, 2.2).fill(COLOURS[colour]);
      }
      this.#doc.y = y + rowHeight;
    }
    const { y } = this.#doc;
    this.#doc.font(FONTS.text).fontSize(SMALL).fillColor(COLOURS.soft);
    for (const tick of [0, 0.5, 1]) this.#doc.text(show(tick), x(tick) - 20, y + 2, { width: 40, align: 'center' });
    this.#doc.y = y + 18;
  }

  /** Numbers the pages, and ends. */
  async end(): Promise<Buffer> {
    const { count } = this.#doc.bufferedPageRange();
    for (let page = 0; page < count; page++) {
      this.#doc.switchToPage(page);
      this.#doc.page.margins.bottom = 0; // else the footer would begin a page of its own
      this.#doc.font(FONTS.text).fontSize(SMALL).fillColor(COLOURS.soft);
      this.#doc.text(`${page + 1} / ${count}`, MARGIN, this.#doc.page.height - 28, {
        width: this.#width,
        align: 'right',
        lineBreak: false,
      });
    }
    this.#doc.end();
    await this.#ended;
    return Buffer.concat(this.#chunks);
  }

  /** Begins a page when so much does not fit on this one. @returns whether it did. */
  #need(height: number): boolean {
    if (this.#doc.y + height <= this.#doc.page.height - MARGIN) return false;
    this.#doc.addPage();
    return true;
  }
}

/** Tabs and other controls have no glyph; a lone surrogate is no text. */
function clean(text: string): string {
  return text
    .toWellFormed()
    .replaceAll('\t', '    ')
    .replace(/[^\P{Cc}\n]/gu, '\uFFFD');
}

function shortened(text: string): string {
  return text.length <= LONGEST_CELL ? text : `${text.slice(0, LONGEST_CELL)} …`.toWellFormed();
}
