  // Division by the polynomial: the register, after its own complement as the four last bytes, is 0xDEBB20E3.
  // And a byte more is the remainder of the byte alone, plus that of the register: the checksum is linear.
  logic [31:0] f_bits;
  always_comb begin
    f_bits = crc_i;
    for (int i = 0; i < 8; i++) begin
      f_bits = (f_bits[0] ^ data_i[i]) ? (f_bits >> 1) ^ 32'b11101101101110001000001100100000 : f_bits >> 1;
    end
    bit_by_bit: assert (crc_o == f_bits);
  end
