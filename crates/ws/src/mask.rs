//! Masking: RFC 6455, 5.3.

/// Takes the mask off `payload` or puts it on, and turns `key` so that it fits the byte after it. A key
/// of zero (no mask, or a client in memory) costs nothing.
///
/// Eight bytes at a time, which the compiler widens to the vectors of the target.
pub(crate) fn unmask(payload: &mut [u8], key: &mut [u8; 4]) {
    if *key == [0; 4] {
        return;
    }
    let [a, b, c, d] = *key;
    let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (blocks, rest) = payload.as_chunks_mut::<8>();
    for block in blocks {
        *block = (u64::from_ne_bytes(*block) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
    key.rotate_left(payload.len() % 4);
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    fn byte_by_byte(payload: &[u8]) -> Vec<u8> {
        payload
            .iter()
            .zip(KEY.iter().cycle())
            .map(|(byte, key)| byte ^ key)
            .collect()
    }

    #[test]
    fn every_length_and_every_cut_agrees_with_the_definition() {
        for len in 0..40_u8 {
            let masked: Vec<u8> = (0..len).map(|n| n.wrapping_mul(73)).collect();
            let plain = byte_by_byte(&masked);
            for cut in 0..=masked.len() {
                let (mut bytes, mut key) = (masked.clone(), KEY);
                let (left, right) = bytes.split_at_mut(cut);
                unmask(left, &mut key);
                unmask(right, &mut key);
                assert_eq!(bytes, plain, "{len} bytes cut at {cut}");
            }
        }
    }
}
