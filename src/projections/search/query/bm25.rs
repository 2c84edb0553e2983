//! The BM25 formula (k1 = 1.2, b = 0.75; Robertson and Zaragoza, 2009).

use tantivy::fieldnorm::FieldNormReader;

use crate::projections::search::reader::view::ratio;

const K1: f32 = 1.2;
const B: f32 = 0.75;

/// The inverse document frequency of BM25.
pub(crate) fn idf(doc_count: u32, doc_freq: u32) -> f32 {
    let (n, f) = (f64::from(doc_count), f64::from(doc_freq));
    #[expect(clippy::cast_possible_truncation, reason = "a score needs no more digits")]
    let value = (1.0 + (n - f + 0.5).max(0.0) / (f + 0.5)).ln() as f32;
    value
}

/// The term frequency saturation of BM25, with the length norm of each of the 256 lengths that the index distinguishes.
pub(crate) struct SaturationTable([f32; 256]);

impl SaturationTable {
    pub(crate) fn new(average_length: f32) -> Self {
        let mut norms = [0.0; 256];
        for (id, norm) in (0_u8..=255).zip(&mut norms) {
            let length = FieldNormReader::id_to_fieldnorm(id);
            *norm = K1 * (1.0 - B + B * ratio(u64::from(length), 1) / average_length);
        }
        Self(norms)
    }

    pub(crate) fn score(&self, term_freq: f32, norm_id: u8) -> f32 {
        term_freq * (K1 + 1.0) / (term_freq + self.0[usize::from(norm_id)])
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts within a document are small")]
pub(crate) fn as_float(count: u32) -> f32 {
    count as f32
}
