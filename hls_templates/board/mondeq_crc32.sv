// One byte of CRC-32 as in IEEE 802.3 and zlib: reflected polynomial 0xEDB88320, the register starts as all ones and
// goes out complemented, lowest byte first.  The register after a frame with its right checksum is 0xDEBB20E3.
module mondeq_crc32 (
  input  logic [31:0] crc_i,
  input  logic [7:0]  data_i,
  output logic [31:0] crc_o
);

  always_comb begin
    crc_o = crc_i ^ {24'b0, data_i};
    for (int i = 0; i < 8; i++) crc_o = {1'b0, crc_o[31:1]} ^ (crc_o[0] ? 32'hEDB88320 : 32'h0);
  end

endmodule
