// Banks of vectors, written WriteWords and read ReadWords words at a time (registered read).
// Lanes beyond the vector's length read as zero: a 1-bit weight has no zero that could mask them.
module mondeq_regroup #(
  parameter int Words = 1,
  parameter int WordBits = 8,
  parameter int Banks = 2,
  parameter int WriteWords = 1,
  parameter int ReadWords = 1,
  localparam int WriteGroups = (Words + WriteWords - 1) / WriteWords,
  localparam int ReadGroups = (Words + ReadWords - 1) / ReadWords,
  localparam int BankBits = (Banks > 1) ? $clog2(Banks) : 1,
  localparam int WriteGroupBits = (WriteGroups > 1) ? $clog2(WriteGroups) : 1,
  localparam int ReadGroupBits = (ReadGroups > 1) ? $clog2(ReadGroups) : 1
) (
  input  logic                           clk_i,
  input  logic                           write_i,
  input  logic [BankBits-1:0]            write_bank_i,
  input  logic [WriteGroupBits-1:0]      write_group_i,
  input  logic [WriteWords*WordBits-1:0] write_data_i,
  input  logic [BankBits-1:0]            read_bank_i,
  input  logic [ReadGroupBits-1:0]       read_group_i,
  output logic [ReadWords*WordBits-1:0]  read_data_o
);

  localparam int Written = WriteGroups * WriteWords;
  localparam int Read = ReadGroups * ReadWords;
  localparam int Stride = (Written > Read) ? Written : Read;

  logic [WordBits-1:0] memory[Banks*Stride];

  always_ff @(posedge clk_i) begin
    if (write_i) begin
      for (int i = 0; i < int'(WriteWords); i++) begin
        memory[int'(write_bank_i)*int'(Stride)+int'(write_group_i)*int'(WriteWords)+i]
            <= write_data_i[i*int'(WordBits)+:WordBits];
      end
    end
  end

  always_ff @(posedge clk_i) begin
    for (int i = 0; i < int'(ReadWords); i++) begin
      read_data_o[i*int'(WordBits)+:WordBits] <=
          (int'(read_group_i) * int'(ReadWords) + i < int'(Words))
          ? memory[int'(read_bank_i)*int'(Stride)+int'(read_group_i)*int'(ReadWords)+i] : '0;
    end
  end

endmodule
